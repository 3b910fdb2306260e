"""a receipt of the command line has no staff account behind it"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0030"
down_revision = "0029"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table("handover_receipt") as table:
        table.alter_column("staff_id", existing_type=sa.Uuid(), nullable=True)


def downgrade() -> None:
    op.execute("DELETE FROM handover_receipt WHERE staff_id IS NULL")
    with op.batch_alter_table("handover_receipt") as table:
        table.alter_column("staff_id", existing_type=sa.Uuid(), nullable=False)
