"""keys of persons, when a person ended, and how many years an institution keeps one"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

import models.base

revision = "0024"
down_revision = "0023"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "person_key",
        sa.Column("enrolment_id", sa.Uuid(), nullable=False),
        sa.Column("key_encrypted", sa.LargeBinary(), nullable=False),
        sa.Column("created_at", models.base.UtcDateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["enrolment_id"], ["enrolment.id"], name=op.f("fk_person_key_enrolment_id_enrolment")
        ),
        sa.PrimaryKeyConstraint("enrolment_id", name=op.f("pk_person_key")),
    )
    op.add_column("enrolment", sa.Column("ended_at", models.base.UtcDateTime(timezone=True)))
    op.add_column(
        "institution", sa.Column("kept_years", sa.Integer(), nullable=False, server_default="3")
    )


def downgrade() -> None:
    # Not in a batch: that makes the table anew on SQLite and loses its triggers.
    op.drop_column("institution", "kept_years")
    op.drop_column("enrolment", "ended_at")
    op.drop_table("person_key")
