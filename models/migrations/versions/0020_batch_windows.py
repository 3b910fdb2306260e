"""supplementary batches, and earlier last moments for some students of a batch"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

import models.base

revision = "0020"
down_revision = "0019"
branch_labels = None
depends_on = None

TIME = models.base.UtcDateTime(timezone=True)


def upgrade() -> None:
    op.add_column(
        "batch", sa.Column("is_extra", sa.Boolean(), nullable=False, server_default=sa.false())
    )
    op.create_table(
        "batch_window",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("batch_id", sa.Uuid(), nullable=False),
        sa.Column("centre_id", sa.Uuid(), nullable=True),
        sa.Column("expected_term", sa.String(length=40), nullable=False),
        sa.Column("last_at", TIME, nullable=False),
        sa.Column("created_at", TIME, nullable=False),
        sa.ForeignKeyConstraint(["batch_id"], ["batch.id"], name="fk_batch_window_batch_id_batch"),
        sa.ForeignKeyConstraint(
            ["centre_id"],
            ["learning_centre.id"],
            name="fk_batch_window_centre_id_learning_centre",
        ),
        sa.PrimaryKeyConstraint("id", name="pk_batch_window"),
    )
    op.create_index("ix_batch_window_batch_id", "batch_window", ["batch_id"])
    op.create_index("ix_batch_window_centre_id", "batch_window", ["centre_id"])


def downgrade() -> None:
    op.drop_table("batch_window")
    with op.batch_alter_table("batch") as batch:
        batch.drop_column("is_extra")
