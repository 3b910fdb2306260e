"""moments, waivers, refunds of others: what the money's edges need"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

import models.base

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None

TIME = models.base.UtcDateTime(timezone=True)
FEN = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
WIDENED = {
    "quarantined_payment": {"amount_fen": False},
    "refund": {"amount_fen": False, "total_fen": False},
    "reconciliation": {"paid_fen": False, "refunded_fen": False},
    "reconciliation_difference": {"our_fen": True, "their_fen": True},
}
"""Columns of amounts, and whether they may be empty. SQLite's integers are wide already."""


def upgrade() -> None:
    op.add_column("photo", sa.Column("counts_from", TIME, nullable=True))
    op.create_table(
        "refused_upload",
        sa.Column("enrolment_id", sa.Uuid(), nullable=False),
        sa.Column("first_at", TIME, nullable=False),
        sa.Column("last_at", TIME, nullable=False),
        sa.ForeignKeyConstraint(
            ["enrolment_id"], ["enrolment.id"], name="fk_refused_upload_enrolment_id_enrolment"
        ),
        sa.PrimaryKeyConstraint("enrolment_id", name="pk_refused_upload"),
    )
    op.create_table(
        "fee_waiver",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("institution_id", sa.Uuid(), nullable=False),
        sa.Column("enrolment_id", sa.Uuid(), nullable=False),
        sa.Column("amount_fen", FEN, nullable=False),
        sa.Column("reason_encrypted", sa.LargeBinary(), nullable=False),
        sa.Column("actor_kind", sa.String(length=20), nullable=False),
        sa.Column("actor_id", sa.Uuid(), nullable=True),
        sa.Column("at", TIME, nullable=False),
        sa.ForeignKeyConstraint(
            ["institution_id"], ["institution.id"], name="fk_fee_waiver_institution_id_institution"
        ),
        sa.ForeignKeyConstraint(
            ["enrolment_id"], ["enrolment.id"], name="fk_fee_waiver_enrolment_id_enrolment"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_fee_waiver"),
        sa.UniqueConstraint("enrolment_id", name="uq_fee_waiver_enrolment_id"),
    )
    with op.batch_alter_table("refund") as batch:
        batch.add_column(sa.Column("bill_date", sa.Date(), nullable=True))
        batch.alter_column("requested_by", existing_type=sa.Uuid(), nullable=True)
    op.add_column(
        "reconciliation",
        sa.Column("foreign_rows", sa.Integer(), nullable=False, server_default="0"),
    )
    op.add_column("wechat_access_token", sa.Column("forced_at", TIME, nullable=True))
    op.add_column(
        "wechat_access_token",
        sa.Column("forced_count", sa.Integer(), nullable=False, server_default="0"),
    )
    change_amounts(sa.Integer(), sa.BigInteger())


def downgrade() -> None:
    change_amounts(sa.BigInteger(), sa.Integer())
    op.drop_column("wechat_access_token", "forced_count")
    op.drop_column("wechat_access_token", "forced_at")
    op.drop_column("reconciliation", "foreign_rows")
    op.execute("DELETE FROM refund WHERE requested_by IS NULL")
    with op.batch_alter_table("refund") as batch:
        batch.alter_column("requested_by", existing_type=sa.Uuid(), nullable=False)
        batch.drop_column("bill_date")
    op.drop_table("fee_waiver")
    op.drop_table("refused_upload")
    op.drop_column("photo", "counts_from")


def change_amounts(before: sa.types.TypeEngine[int], after: sa.types.TypeEngine[int]) -> None:
    """Change the width of the amounts where the engine knows one."""
    if op.get_bind().dialect.name == "sqlite":
        return
    for table, columns in WIDENED.items():
        for name, is_nullable in columns.items():
            op.alter_column(
                table, name, existing_type=before, type_=after, existing_nullable=is_nullable
            )
