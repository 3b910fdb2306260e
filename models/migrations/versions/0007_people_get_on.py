"""people get on: whom to ask, class and phone, where a photo came from, what was doubted"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

TEXTS = (
    ("institution", "contact_name", 100),
    ("institution", "contact_phone", 100),
    ("institution", "contact_hours", 100),
    ("enrolment", "class_name", 60),
    ("photo", "source", 10),
    ("review", "record", 500),
)


def upgrade() -> None:
    for table, name, length in TEXTS:
        op.add_column(
            table, sa.Column(name, sa.String(length=length), nullable=False, server_default="")
        )
    op.add_column(
        "institution",
        sa.Column("own_reasons", sa.JSON(), nullable=False, server_default="[]"),
    )
    op.add_column("enrolment", sa.Column("phone_encrypted", sa.LargeBinary()))
    op.add_column("photo", sa.Column("picture_hash", sa.String(length=16)))
    op.add_column("photo", sa.Column("doubted_at", sa.DateTime(timezone=True)))
    op.add_column("review", sa.Column("sheet_id", sa.Uuid()))
    op.create_index("ix_photo_sha256", "photo", ["sha256"])
    op.create_index("ix_photo_picture_hash", "photo", ["picture_hash"])
    op.create_index("ix_review_sheet", "review", ["sheet_id"])
    # Until now a correction's reason was shown to the student: it belongs to the record.
    op.execute("UPDATE review SET record = note, note = '' WHERE decision = 'correct'")
    op.create_table(
        "sms_message",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("dedupe_key", sa.String(length=120), nullable=False),
        sa.Column("enrolment_id", sa.Uuid(), nullable=False),
        sa.Column("text", sa.String(length=300), nullable=False),
        sa.Column("state", sa.String(length=20), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("next_attempt_at", sa.DateTime(timezone=True)),
        sa.Column("sent_at", sa.DateTime(timezone=True)),
        sa.Column("last_error", sa.String(length=120), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["enrolment_id"], ["enrolment.id"], name="fk_sms_message_enrolment_id_enrolment"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_sms_message"),
        sa.UniqueConstraint("dedupe_key", name="uq_sms_message_dedupe_key"),
    )
    op.create_index("ix_sms_message_due", "sms_message", ["state", "next_attempt_at"])
    op.create_index("ix_sms_message_enrolment", "sms_message", ["enrolment_id", "created_at"])


def downgrade() -> None:
    op.drop_table("sms_message")
    op.execute("UPDATE review SET note = record WHERE decision = 'correct' AND note = ''")
    op.drop_index("ix_review_sheet", table_name="review")
    op.drop_index("ix_photo_picture_hash", table_name="photo")
    op.drop_index("ix_photo_sha256", table_name="photo")
    op.drop_column("review", "sheet_id")
    op.drop_column("photo", "doubted_at")
    op.drop_column("photo", "picture_hash")
    op.drop_column("enrolment", "phone_encrypted")
    op.drop_column("institution", "own_reasons")
    for table, name, _ in reversed(TEXTS):
        op.drop_column(table, name)
