"""mended walls: a plain wall that would fail gets the nearest standard colour by default

"keep" was the default that nobody chose; a photo that passed before because a phone's wall was
judged mildly must not fail now. Who wants walls left alone sets it again on the code's page.
"""

from __future__ import annotations

from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("UPDATE feature_code SET background = 'auto' WHERE background = 'keep'")
    op.execute(
        "UPDATE photo SET background = 'auto' WHERE background = 'keep' AND state = 'received'"
    )


def downgrade() -> None:
    op.execute("UPDATE feature_code SET background = 'keep' WHERE background = 'auto'")
    op.execute("UPDATE photo SET background = 'keep' WHERE background = 'auto'")
