"""the crop by a reviewer's hand, and who asked for it"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from models.base import UtcDateTime

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None

CROP = (("crop_right_px", "0"), ("crop_down_px", "0"), ("crop_percent", "100"))


def upgrade() -> None:
    for name, default in CROP:
        op.add_column(
            "photo", sa.Column(name, sa.Integer(), nullable=False, server_default=default)
        )
    op.create_table(
        "crop_request",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("photo_id", sa.Uuid(), nullable=False),
        sa.Column("staff_id", sa.Uuid(), nullable=False),
        sa.Column("right_px", sa.Integer(), nullable=False),
        sa.Column("down_px", sa.Integer(), nullable=False),
        sa.Column("percent", sa.Integer(), nullable=False),
        sa.Column("asked_at", UtcDateTime(timezone=True), nullable=False),
        sa.Column("started_at", UtcDateTime(timezone=True), nullable=True),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("finished_at", UtcDateTime(timezone=True), nullable=True),
        sa.Column("outcome", sa.String(length=10), nullable=True),
        sa.Column("message", sa.String(length=500), nullable=False),
        sa.ForeignKeyConstraint(["photo_id"], ["photo.id"], name="fk_crop_request_photo_id_photo"),
        sa.ForeignKeyConstraint(["staff_id"], ["staff.id"], name="fk_crop_request_staff_id_staff"),
        sa.PrimaryKeyConstraint("id", name="pk_crop_request"),
    )
    op.create_index("ix_crop_request_waiting", "crop_request", ["finished_at", "asked_at"])
    op.create_index("ix_crop_request_photo", "crop_request", ["photo_id", "asked_at"])


def downgrade() -> None:
    op.drop_table("crop_request")
    for name, _ in CROP:
        op.drop_column("photo", name)
