"""photos that staff take: no WeChat user behind them, but a photographer; fees paid in cash"""

from __future__ import annotations

import re

import sqlalchemy as sa
from alembic import op

revision = "0025"
down_revision = "0024"
branch_labels = None
depends_on = None

REQUIRED = re.compile(r"(\buser_id CHAR\(32\)) NOT NULL")


def upgrade() -> None:
    if op.get_bind().dialect.name == "sqlite":
        _let_user_be_missing()
        op.execute(
            "ALTER TABLE photo ADD COLUMN taken_by CHAR(32)"
            " CONSTRAINT fk_photo_taken_by REFERENCES staff (id)"
        )
    else:
        op.alter_column("photo", "user_id", nullable=True)
        op.add_column("photo", sa.Column("taken_by", sa.Uuid(), nullable=True))
        op.create_foreign_key("fk_photo_taken_by", "photo", "staff", ["taken_by"], ["id"])
    op.add_column(
        "fee_waiver",
        sa.Column("is_cash", sa.Boolean(), nullable=False, server_default=sa.false()),
    )


def downgrade() -> None:
    """``user_id`` stays optional: photos of staff have none, and older code never shows those."""
    op.drop_column("fee_waiver", "is_cash")
    if op.get_bind().dialect.name != "sqlite":
        op.drop_constraint("fk_photo_taken_by", "photo", type_="foreignkey")
    op.drop_column("photo", "taken_by")


def _let_user_be_missing() -> None:
    """Take NOT NULL out of the stored definition (SQLite's manual, ALTER TABLE, section 7).

    A table that others refer to cannot be dropped and built anew inside a transaction.
    """
    run = op.get_bind().exec_driver_sql
    definition = run("SELECT sql FROM sqlite_schema WHERE name = 'photo'").scalar_one()
    version = run("PRAGMA schema_version").scalar_one()
    run("PRAGMA writable_schema = ON")
    run(
        "UPDATE sqlite_schema SET sql = ? WHERE type = 'table' AND name = 'photo'",
        (REQUIRED.sub(r"\1", definition),),
    )
    run(f"PRAGMA schema_version = {version + 1}")
    run("PRAGMA writable_schema = OFF")
