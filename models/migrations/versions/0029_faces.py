"""measured faces under a key of their own, and the hints that came of comparing"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from models.base import UtcDateTime

revision = "0029"
down_revision = "0028"
branch_labels = None
depends_on = None

TIME = UtcDateTime(timezone=True)


def _refer(table: str, column: str, other: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint([column], [f"{other}.id"], name=f"fk_{table}_{column}_{other}")


def upgrade() -> None:
    op.create_table(
        "face_switch",
        sa.Column("institution_id", sa.Uuid(), nullable=False),
        sa.Column("is_on", sa.Boolean(), nullable=False),
        sa.Column("changed_by", sa.Uuid(), nullable=False),
        sa.Column("changed_at", TIME, nullable=False),
        _refer("face_switch", "institution_id", "institution"),
        _refer("face_switch", "changed_by", "staff"),
        sa.PrimaryKeyConstraint("institution_id", name="pk_face_switch"),
    )
    op.create_table(
        "face_encoding",
        sa.Column("photo_id", sa.Uuid(), nullable=False),
        sa.Column("enrolment_id", sa.Uuid(), nullable=False),
        sa.Column("institution_id", sa.Uuid(), nullable=False),
        sa.Column("sealed", sa.LargeBinary(), nullable=False),
        sa.Column("made_at", TIME, nullable=False),
        _refer("face_encoding", "photo_id", "photo"),
        _refer("face_encoding", "enrolment_id", "enrolment"),
        _refer("face_encoding", "institution_id", "institution"),
        sa.PrimaryKeyConstraint("photo_id", name="pk_face_encoding"),
    )
    op.create_index("ix_face_encoding_institution", "face_encoding", ["institution_id"])
    op.create_index("ix_face_encoding_enrolment", "face_encoding", ["enrolment_id"])
    op.create_table(
        "face_hint",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("institution_id", sa.Uuid(), nullable=False),
        sa.Column("photo_id", sa.Uuid(), nullable=False),
        sa.Column("other_photo_id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.String(length=20), nullable=False),
        sa.Column("step", sa.Integer(), nullable=False),
        sa.Column("found_at", TIME, nullable=False),
        _refer("face_hint", "institution_id", "institution"),
        _refer("face_hint", "photo_id", "photo"),
        _refer("face_hint", "other_photo_id", "photo"),
        sa.PrimaryKeyConstraint("id", name="pk_face_hint"),
        sa.UniqueConstraint("photo_id", "other_photo_id", "kind", name="uq_face_hint_photo_id"),
    )
    op.create_index("ix_face_hint_other", "face_hint", ["other_photo_id"])


def downgrade() -> None:
    for table in ("face_hint", "face_encoding", "face_switch"):
        op.drop_table(table)
