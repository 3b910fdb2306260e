"""automatic approval of clean passes, with a share drawn for people"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from models.base import UtcDateTime

revision = "0022"
down_revision = "0021"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column(
        "review",
        sa.Column("is_automatic", sa.Boolean(), nullable=False, server_default=sa.false()),
    )
    op.create_table(
        "automatic_approval",
        sa.Column("institution_id", sa.Uuid(), nullable=False),
        sa.Column("is_on", sa.Boolean(), nullable=False),
        sa.Column("draw_percent", sa.Integer(), nullable=False),
        sa.Column("changed_by", sa.Uuid(), nullable=False),
        sa.Column("changed_at", UtcDateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["institution_id"],
            ["institution.id"],
            name="fk_automatic_approval_institution_id_institution",
        ),
        sa.ForeignKeyConstraint(
            ["changed_by"], ["staff.id"], name="fk_automatic_approval_changed_by_staff"
        ),
        sa.PrimaryKeyConstraint("institution_id", name="pk_automatic_approval"),
    )
    op.create_table(
        "drawn_photo",
        sa.Column("photo_id", sa.Uuid(), nullable=False),
        sa.Column("institution_id", sa.Uuid(), nullable=False),
        sa.Column("is_for_people", sa.Boolean(), nullable=False),
        sa.Column("at", UtcDateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["photo_id"], ["photo.id"], name="fk_drawn_photo_photo_id_photo"),
        sa.ForeignKeyConstraint(
            ["institution_id"],
            ["institution.id"],
            name="fk_drawn_photo_institution_id_institution",
        ),
        sa.PrimaryKeyConstraint("photo_id", name="pk_drawn_photo"),
    )
    op.create_index("ix_drawn_photo_institution", "drawn_photo", ["institution_id", "at"])


def downgrade() -> None:
    op.drop_table("drawn_photo")
    op.drop_table("automatic_approval")
    op.drop_column("review", "is_automatic")
