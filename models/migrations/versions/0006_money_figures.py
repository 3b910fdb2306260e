"""the dashboard's money is counted in an index"""

from __future__ import annotations

from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

NAME = "ix_payment_order_paid_at"


def upgrade() -> None:
    op.drop_index(NAME, table_name="payment_order")
    op.create_index(NAME, "payment_order", ["institution_id", "paid_at", "state", "amount_fen"])


def downgrade() -> None:
    op.drop_index(NAME, table_name="payment_order")
    op.create_index(NAME, "payment_order", ["institution_id", "paid_at"])
