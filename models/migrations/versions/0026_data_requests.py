"""requests for correction and deletion; a place of its own for the notice that is being written"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

import models.base

revision = "0026"
down_revision = "0025"
branch_labels = None
depends_on = None

TIME = models.base.UtcDateTime(timezone=True)
OWNERS = {
    "institution_id": "institution",
    "enrolment_id": "enrolment",
    "user_id": "wechat_user",
    "decided_by": "staff",
}


def upgrade() -> None:
    op.create_table(
        "data_request",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("institution_id", sa.Uuid(), nullable=False),
        sa.Column("enrolment_id", sa.Uuid(), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=True),
        sa.Column("kind", sa.String(length=20), nullable=False),
        sa.Column("source", sa.String(length=20), nullable=False),
        sa.Column("wish_encrypted", sa.LargeBinary(), nullable=True),
        sa.Column("state", sa.String(length=20), nullable=False),
        sa.Column("asked_at", TIME, nullable=False),
        sa.Column("due_at", TIME, nullable=False),
        sa.Column("decided_at", TIME, nullable=True),
        sa.Column("decided_by", sa.Uuid(), nullable=True),
        sa.Column("answer_encrypted", sa.LargeBinary(), nullable=True),
        sa.Column("done_at", TIME, nullable=True),
        sa.Column("certificate", sa.JSON(), nullable=True),
        *(
            sa.ForeignKeyConstraint(
                [column], [f"{table}.id"], name=f"fk_data_request_{column}_{table}"
            )
            for column, table in OWNERS.items()
        ),
        sa.PrimaryKeyConstraint("id", name="pk_data_request"),
    )
    op.create_index(
        "ix_data_request_list", "data_request", ["institution_id", "state", "due_at"], unique=False
    )
    op.create_index(
        "ix_data_request_enrolment", "data_request", ["enrolment_id", "asked_at"], unique=False
    )
    op.add_column("institution", sa.Column("notice_draft", sa.JSON(), nullable=True))


def downgrade() -> None:
    with op.batch_alter_table("institution") as batch:
        batch.drop_column("notice_draft")
    op.drop_index("ix_data_request_enrolment", table_name="data_request")
    op.drop_index("ix_data_request_list", table_name="data_request")
    op.drop_table("data_request")
