"""reference pictures of students who agreed to comparing, and hints that came of them"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from models.base import UtcDateTime

revision = "0032"
down_revision = "0031"
branch_labels = None
depends_on = None

TIME = UtcDateTime(timezone=True)


def _refer(column: str, other: str) -> sa.ForeignKeyConstraint:
    name = f"fk_face_reference_{column}_{other}"
    return sa.ForeignKeyConstraint([column], [f"{other}.id"], name=name)


def upgrade() -> None:
    op.create_table(
        "face_reference",
        sa.Column("enrolment_id", sa.Uuid(), nullable=False),
        sa.Column("institution_id", sa.Uuid(), nullable=False),
        sa.Column("job_id", sa.Uuid(), nullable=False),
        sa.Column("picture_sealed", sa.LargeBinary(), nullable=False),
        sa.Column("face_sealed", sa.LargeBinary(), nullable=False),
        sa.Column("measured_at", TIME, nullable=True),
        sa.Column("imported_at", TIME, nullable=False),
        _refer("enrolment_id", "enrolment"),
        _refer("institution_id", "institution"),
        _refer("job_id", "background_job"),
        sa.PrimaryKeyConstraint("enrolment_id", name="pk_face_reference"),
    )
    op.create_index(
        "ix_face_reference_institution", "face_reference", ["institution_id", "measured_at"]
    )
    with op.batch_alter_table("face_hint") as table:
        table.alter_column("other_photo_id", existing_type=sa.Uuid(), nullable=True)
    op.create_index("ix_face_hint_kind", "face_hint", ["institution_id", "kind", "step"])


def downgrade() -> None:
    op.drop_index("ix_face_hint_kind", "face_hint")
    op.execute("DELETE FROM face_hint WHERE other_photo_id IS NULL")
    with op.batch_alter_table("face_hint") as table:
        table.alter_column("other_photo_id", existing_type=sa.Uuid(), nullable=False)
    op.drop_table("face_reference")
