"""the finer look of a picture decides whether two are the same"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("photo", sa.Column("picture_print", sa.String(length=64)))


def downgrade() -> None:
    op.drop_column("photo", "picture_print")
