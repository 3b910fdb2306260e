"""photo look-ups: which row names a file, and how fast verdicts come"""

from __future__ import annotations

from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

COLUMNS = ("checked_at", "original_key", "standard_key")


def upgrade() -> None:
    for column in COLUMNS:
        op.create_index(f"ix_photo_{column}", "photo", [column])


def downgrade() -> None:
    for column in COLUMNS:
        op.drop_index(f"ix_photo_{column}", "photo")
