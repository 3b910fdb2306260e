"""the seat of a student (考场, 座位号), where the roster has it"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0033"
down_revision = "0032"
branch_labels = None
depends_on = None

SEATS = (("exam_room", 40), ("seat_no", 20))


def upgrade() -> None:
    for name, length in SEATS:
        op.add_column(
            "enrolment",
            sa.Column(name, sa.String(length=length), nullable=False, server_default=""),
        )


def downgrade() -> None:
    # Not in a batch: SQLite would make the table anew, without its triggers.
    for name, _ in SEATS:
        op.drop_column("enrolment", name)
