"""requests of students for their fee back"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

import models.base

revision = "0031"
down_revision = "0030"
branch_labels = None
depends_on = None

TIME = models.base.UtcDateTime(timezone=True)
OWNERS = {
    "institution_id": "institution",
    "enrolment_id": "enrolment",
    "order_id": "payment_order",
    "user_id": "wechat_user",
    "decided_by": "staff",
}
WAITING = sa.text("state = 'requested'")


def upgrade() -> None:
    op.create_table(
        "refund_request",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("institution_id", sa.Uuid(), nullable=False),
        sa.Column("enrolment_id", sa.Uuid(), nullable=False),
        sa.Column("order_id", sa.Uuid(), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("state", sa.String(length=20), nullable=False),
        sa.Column("reason_encrypted", sa.LargeBinary(), nullable=True),
        sa.Column("asked_at", TIME, nullable=False),
        sa.Column("due_at", TIME, nullable=False),
        sa.Column("decided_at", TIME, nullable=True),
        sa.Column("decided_by", sa.Uuid(), nullable=True),
        sa.Column("answer_encrypted", sa.LargeBinary(), nullable=True),
        *(sa.ForeignKeyConstraint([one], [f"{table}.id"]) for one, table in OWNERS.items()),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index(
        "uq_refund_request_waiting",
        "refund_request",
        ["order_id"],
        unique=True,
        sqlite_where=WAITING,
        postgresql_where=WAITING,
    )
    op.create_index(
        "ix_refund_request_list", "refund_request", ["institution_id", "state", "due_at"]
    )
    op.create_index("ix_refund_request_order", "refund_request", ["order_id", "asked_at"])


def downgrade() -> None:
    op.drop_table("refund_request")
