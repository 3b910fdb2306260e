"""照片编号: our random name of a photo gets its own word

The former release still serves while this runs: it keeps reading and writing ``collection_code``.
So the column is added beside it, both hold the same, and what the former release inserts gets its
照片编号 from a trigger. A later migration drops the old column and the trigger.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from models.photo_number import LENGTH

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None


def upgrade() -> None:
    # Empty only within the insert of the former release, until the trigger has filled it.
    op.add_column(
        "enrolment",
        sa.Column("photo_number", sa.String(length=LENGTH), nullable=False, server_default=""),
    )
    op.execute("UPDATE enrolment SET photo_number = collection_code")
    op.create_index("ix_enrolment_photo_number", "enrolment", ["photo_number"], unique=True)
    if op.get_bind().dialect.name == "sqlite":
        op.execute(
            "CREATE TRIGGER enrolment_photo_number AFTER INSERT ON enrolment "
            "WHEN NEW.photo_number = '' BEGIN "
            "UPDATE enrolment SET photo_number = NEW.collection_code WHERE id = NEW.id; END"
        )
        return
    op.execute(
        "CREATE FUNCTION fill_photo_number() RETURNS trigger AS $$ BEGIN "
        "NEW.photo_number := NEW.collection_code; RETURN NEW; END $$ LANGUAGE plpgsql"
    )
    op.execute(
        "CREATE TRIGGER enrolment_photo_number BEFORE INSERT ON enrolment FOR EACH ROW "
        "WHEN (NEW.photo_number = '') EXECUTE FUNCTION fill_photo_number()"
    )


def downgrade() -> None:
    if op.get_bind().dialect.name == "sqlite":
        op.execute("DROP TRIGGER enrolment_photo_number")
    else:
        op.execute("DROP TRIGGER enrolment_photo_number ON enrolment")
        op.execute("DROP FUNCTION fill_photo_number()")
    op.drop_index("ix_enrolment_photo_number", table_name="enrolment")
    op.drop_column("enrolment", "photo_number")
