"""the real name of a staff member, beside the user name"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column(
        "staff", sa.Column("display_name", sa.String(length=60), nullable=False, server_default="")
    )


def downgrade() -> None:
    with op.batch_alter_table("staff") as batch:
        batch.drop_column("display_name")
