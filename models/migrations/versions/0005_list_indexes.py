"""indexes that keep lists and figures quick at 100,000 students"""

from __future__ import annotations

from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

NEW = {
    "ix_enrolment_level": ("enrolment", ["institution_id", "level", "student_no"]),
    "ix_enrolment_centre_list": ("enrolment", ["institution_id", "centre_id", "student_no"]),
    "ix_enrolment_tally": (
        "enrolment",
        ["institution_id", "centre_id", "level", "collection_status", "register_status"],
    ),
    "ix_review_decision": ("review", ["decision", "at"]),
}
CHANGED = {
    # The institution comes first in every query; SQLite takes the index with the longest match.
    "ix_enrolment_centre": (
        ["centre_id", "collection_status", "student_no"],
        ["institution_id", "centre_id", "collection_status", "student_no"],
    ),
    # With the centre behind, a centre's figures need no look into the table.
    "ix_enrolment_collected": (
        ["institution_id", "collected_at"],
        ["institution_id", "collected_at", "centre_id"],
    ),
    "ix_enrolment_uploaded": (
        ["institution_id", "uploaded_at"],
        ["institution_id", "uploaded_at", "centre_id"],
    ),
}
PREFIX_SEARCH = {"name": "text_pattern_ops"}
"""LIKE 'prefix%' uses an index on PostgreSQL only when it is in the order of bytes."""
OLD = {
    # The unique key of institution and 学号 is the same index.
    "ix_enrolment_list": ("enrolment", ["institution_id", "student_no"]),
    "ix_review_at": ("review", ["at"]),
}


def upgrade() -> None:
    op.drop_index("ix_enrolment_name", table_name="enrolment")
    op.create_index(
        "ix_enrolment_name",
        "enrolment",
        ["institution_id", "name"],
        postgresql_ops=PREFIX_SEARCH,
    )
    for name, (table, columns) in NEW.items():
        op.create_index(name, table, columns)
    for name, (_, columns) in CHANGED.items():
        op.drop_index(name, table_name="enrolment")
        op.create_index(name, "enrolment", columns)
    for name, (table, _) in OLD.items():
        op.drop_index(name, table_name=table)


def downgrade() -> None:
    op.drop_index("ix_enrolment_name", table_name="enrolment")
    op.create_index("ix_enrolment_name", "enrolment", ["institution_id", "name"])
    for name, (table, columns) in OLD.items():
        op.create_index(name, table, columns)
    for name, (columns, _) in CHANGED.items():
        op.drop_index(name, table_name="enrolment")
        op.create_index(name, "enrolment", columns)
    for name, (table, _) in NEW.items():
        op.drop_index(name, table_name=table)
