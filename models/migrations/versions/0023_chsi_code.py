"""图像采集码: the code of an enrolment, waivers, and whether a feature code asks for it"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from models.base import UtcDateTime

revision = "0023"
down_revision = "0022"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column(
        "feature_code",
        sa.Column("chsi_policy", sa.String(length=10), nullable=False, server_default="off"),
    )
    op.create_table(
        "chsi_code",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("enrolment_id", sa.Uuid(), nullable=False),
        sa.Column("text_encrypted", sa.LargeBinary(), nullable=False),
        sa.Column("text_index", sa.LargeBinary(length=32), nullable=False),
        sa.Column("raw_encrypted", sa.LargeBinary(), nullable=True),
        sa.Column("mode", sa.String(length=12), nullable=False),
        sa.Column("error_level", sa.String(length=1), nullable=False),
        sa.Column("version", sa.Integer(), nullable=True),
        sa.Column("mask", sa.Integer(), nullable=True),
        sa.Column("source", sa.String(length=10), nullable=False),
        sa.Column("created_at", UtcDateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["enrolment_id"], ["enrolment.id"]),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("enrolment_id"),
        sa.UniqueConstraint("text_index"),
    )
    op.create_table(
        "chsi_waiver",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("enrolment_id", sa.Uuid(), nullable=False),
        sa.Column("reason_encrypted", sa.LargeBinary(), nullable=False),
        sa.Column("staff_id", sa.Uuid(), nullable=False),
        sa.Column("at", UtcDateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["enrolment_id"], ["enrolment.id"]),
        sa.ForeignKeyConstraint(["staff_id"], ["staff.id"]),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("enrolment_id"),
    )


def downgrade() -> None:
    op.drop_table("chsi_waiver")
    op.drop_table("chsi_code")
    op.drop_column("feature_code", "chsi_policy")
