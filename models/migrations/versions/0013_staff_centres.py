"""further learning centres of an account"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "staff_centre",
        sa.Column("staff_id", sa.Uuid(), nullable=False),
        sa.Column("centre_id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(["staff_id"], ["staff.id"], name="fk_staff_centre_staff_id_staff"),
        sa.ForeignKeyConstraint(
            ["centre_id"],
            ["learning_centre.id"],
            name="fk_staff_centre_centre_id_learning_centre",
        ),
        sa.PrimaryKeyConstraint("staff_id", "centre_id", name="pk_staff_centre"),
    )
    op.create_index("ix_staff_centre_centre_id", "staff_centre", ["centre_id"])


def downgrade() -> None:
    op.drop_table("staff_centre")
