"""collection code: the name of a photo outside the college"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from models.photo_number import LENGTH, create_photo_number

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

CHUNK = 5_000


def upgrade() -> None:
    # The default only carries the rows that exist: the unique index refuses a second empty code.
    op.add_column(
        "enrolment",
        sa.Column("collection_code", sa.String(length=LENGTH), nullable=False, server_default=""),
    )
    draw_codes(op.get_bind())
    op.create_index("ix_enrolment_collection_code", "enrolment", ["collection_code"], unique=True)


def draw_codes(connection: sa.Connection) -> None:
    """Give every enrolment its code."""
    rows = sa.table("enrolment", sa.column("id", sa.Uuid()), sa.column("collection_code"))
    ids = connection.scalars(sa.select(rows.c.id)).all()
    change = (
        rows.update()
        .where(rows.c.id == sa.bindparam("row_id"))
        .values(collection_code=sa.bindparam("code"))
    )
    for start in range(0, len(ids), CHUNK):
        chunk = ids[start : start + CHUNK]
        connection.execute(
            change, [{"row_id": row_id, "code": create_photo_number()} for row_id in chunk]
        )


def downgrade() -> None:
    op.drop_index("ix_enrolment_collection_code", table_name="enrolment")
    op.drop_column("enrolment", "collection_code")
