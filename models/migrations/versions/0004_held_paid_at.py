"""when the money in quarantine was paid"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

import models.base

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column(
        "quarantined_payment",
        sa.Column("paid_at", models.base.UtcDateTime(timezone=True), nullable=True),
    )


def downgrade() -> None:
    op.drop_column("quarantined_payment", "paid_at")
