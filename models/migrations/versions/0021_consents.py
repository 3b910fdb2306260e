"""notices of each institution in parts; consents one by one, append-only; guardians

The table of texts becomes one of each institution: every text that was published is copied to
every institution, so that earlier agreements keep their words. Code of the version before goes on:
it looks texts up by their version and adds agreements to the photo, which the defaults describe.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

import models.base

revision = "0021"
down_revision = "0020"
branch_labels = None
depends_on = None

TIME = models.base.UtcDateTime(timezone=True)
IMMUTABLE = "OLD.published_at IS NOT NULL"
OLD_TEXT = sa.table(
    "consent_text",
    sa.column("id", sa.Uuid()),
    sa.column("institution_id", sa.Uuid()),
    sa.column("version", sa.String()),
    sa.column("text", sa.Text()),
    sa.column("parts", sa.JSON()),
    sa.column("created_at", TIME),
    sa.column("published_at", TIME),
)


def upgrade() -> None:
    op.create_table(
        "guardian_consent",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("enrolment_id", sa.Uuid(), nullable=False),
        sa.Column("name_encrypted", sa.LargeBinary(), nullable=False),
        sa.Column("relation", sa.String(length=20), nullable=False),
        sa.Column("way", sa.String(length=20), nullable=False),
        sa.Column("version", sa.String(length=20), nullable=False),
        sa.Column("staff_id", sa.Uuid(), nullable=True),
        sa.Column("at", TIME, nullable=False),
        sa.ForeignKeyConstraint(
            ["enrolment_id"], ["enrolment.id"], name="fk_guardian_consent_enrolment_id_enrolment"
        ),
        sa.ForeignKeyConstraint(
            ["staff_id"], ["staff.id"], name="fk_guardian_consent_staff_id_staff"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_guardian_consent"),
    )
    op.create_index(
        "ix_guardian_consent_enrolment", "guardian_consent", ["enrolment_id", "at"], unique=False
    )
    _widen_records()
    _give_texts_to_institutions()
    _create_triggers()


def _widen_records() -> None:
    op.drop_index("ix_consent_record_enrolment", table_name="consent_record")
    with op.batch_alter_table("consent_record") as batch:
        batch.drop_constraint("fk_consent_record_version_consent_text", type_="foreignkey")
        batch.add_column(
            sa.Column("kind", sa.String(length=40), nullable=False, server_default="photo")
        )
        batch.add_column(
            sa.Column("is_given", sa.Boolean(), nullable=False, server_default=sa.true())
        )
        batch.add_column(
            sa.Column("given_by", sa.String(length=20), nullable=False, server_default="student")
        )
        batch.add_column(sa.Column("staff_id", sa.Uuid(), nullable=True))
        batch.alter_column("user_id", existing_type=sa.Uuid(), nullable=True)
        batch.create_foreign_key("fk_consent_record_staff_id_staff", "staff", ["staff_id"], ["id"])
    op.create_index(
        "ix_consent_record_latest", "consent_record", ["enrolment_id", "kind", "at"], unique=False
    )


def _give_texts_to_institutions() -> None:
    connection = op.get_bind()
    institutions = connection.scalars(sa.text("SELECT id FROM institution")).all()
    texts = connection.execute(
        sa.select(OLD_TEXT.c.version, OLD_TEXT.c.text, OLD_TEXT.c.created_at)
    ).all()
    owners = [_read_id(each) for each in institutions]
    connection.execute(sa.delete(OLD_TEXT))
    with op.batch_alter_table("consent_text") as batch:
        batch.drop_constraint("pk_consent_text", type_="primary")
        batch.add_column(sa.Column("id", sa.Uuid(), nullable=False))
        batch.add_column(sa.Column("institution_id", sa.Uuid(), nullable=False))
        batch.add_column(sa.Column("parts", sa.JSON(), nullable=False, server_default="{}"))
        batch.add_column(sa.Column("published_at", TIME, nullable=True))
        batch.add_column(sa.Column("published_by", sa.Uuid(), nullable=True))
        batch.create_primary_key("pk_consent_text", ["id"])
        batch.create_foreign_key(
            "fk_consent_text_institution_id_institution",
            "institution",
            ["institution_id"],
            ["id"],
        )
        batch.create_foreign_key(
            "fk_consent_text_published_by_staff", "staff", ["published_by"], ["id"]
        )
        batch.create_unique_constraint(
            "uq_consent_text_institution_id", ["institution_id", "version"]
        )
    rows = [
        {
            "id": models.base.new_id(),
            "institution_id": owner,
            "version": version,
            "text": text,
            "parts": {},
            "created_at": created_at,
            "published_at": created_at,
        }
        for owner in owners
        for version, text, created_at in texts
    ]
    if rows:
        connection.execute(sa.insert(OLD_TEXT), rows)


def _read_id(value: object) -> object:
    """SQLite keeps an id as text."""
    import uuid

    return value if isinstance(value, uuid.UUID) else uuid.UUID(str(value))


def _create_triggers() -> None:
    if op.get_bind().dialect.name == "sqlite":
        for action in ("UPDATE", "DELETE"):
            op.execute(
                f"CREATE TRIGGER consent_record_no_{action.lower()} BEFORE {action} "
                "ON consent_record "
                "BEGIN SELECT RAISE(ABORT, 'consent_record is append-only'); END"
            )
            op.execute(
                f"CREATE TRIGGER consent_text_no_{action.lower()} BEFORE {action} "
                f"ON consent_text WHEN {IMMUTABLE} "
                "BEGIN SELECT RAISE(ABORT, 'consent_text is append-only'); END"
            )
        return
    op.execute(
        "CREATE TRIGGER consent_record_append_only BEFORE UPDATE OR DELETE ON consent_record "
        "FOR EACH ROW EXECUTE FUNCTION refuse_change()"
    )
    op.execute(
        "CREATE TRIGGER consent_text_append_only BEFORE UPDATE OR DELETE ON consent_text "
        f"FOR EACH ROW WHEN ({IMMUTABLE}) EXECUTE FUNCTION refuse_change()"
    )
    op.execute(
        "CREATE TRIGGER consent_record_no_truncate BEFORE TRUNCATE ON consent_record "
        "FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()"
    )


def _drop_triggers() -> None:
    if op.get_bind().dialect.name == "sqlite":
        for table in ("consent_record", "consent_text"):
            for action in ("update", "delete"):
                op.execute(f"DROP TRIGGER {table}_no_{action}")
        return
    op.execute("DROP TRIGGER consent_record_append_only ON consent_record")
    op.execute("DROP TRIGGER consent_record_no_truncate ON consent_record")
    op.execute("DROP TRIGGER consent_text_append_only ON consent_text")


def downgrade() -> None:
    """Back to one text a version; what only the new form can say is lost."""
    _drop_triggers()
    op.drop_index("ix_guardian_consent_enrolment", table_name="guardian_consent")
    op.drop_table("guardian_consent")
    connection = op.get_bind()
    texts = connection.execute(
        sa.select(OLD_TEXT.c.version, OLD_TEXT.c.text, OLD_TEXT.c.created_at)
        .where(OLD_TEXT.c.published_at.is_not(None))
        .order_by(OLD_TEXT.c.created_at)
    ).all()
    connection.execute(sa.delete(OLD_TEXT))
    with op.batch_alter_table("consent_text") as batch:
        batch.drop_constraint("uq_consent_text_institution_id", type_="unique")
        batch.drop_constraint("fk_consent_text_institution_id_institution", type_="foreignkey")
        batch.drop_constraint("fk_consent_text_published_by_staff", type_="foreignkey")
        batch.drop_constraint("pk_consent_text", type_="primary")
        for name in ("id", "institution_id", "parts", "published_at", "published_by"):
            batch.drop_column(name)
        batch.create_primary_key("pk_consent_text", ["version"])
    once = {version: (text, created_at) for version, text, created_at in reversed(texts)}
    for version, (text, created_at) in once.items():
        connection.execute(
            sa.insert(OLD_TEXT).values(version=version, text=text, created_at=created_at)
        )
    connection.execute(
        sa.text(
            "DELETE FROM consent_record WHERE kind <> 'photo' OR user_id IS NULL "
            "OR version NOT IN (SELECT version FROM consent_text)"
        )
    )
    op.drop_index("ix_consent_record_latest", table_name="consent_record")
    connection.execute(sa.text("DELETE FROM consent_record WHERE NOT is_given"))
    with op.batch_alter_table("consent_record") as batch:
        batch.drop_constraint("fk_consent_record_staff_id_staff", type_="foreignkey")
        for name in ("kind", "is_given", "given_by", "staff_id"):
            batch.drop_column(name)
        batch.alter_column("user_id", existing_type=sa.Uuid(), nullable=False)
        batch.create_foreign_key(
            "fk_consent_record_version_consent_text", "consent_text", ["version"], ["version"]
        )
    op.create_index("ix_consent_record_enrolment", "consent_record", ["enrolment_id"], unique=False)
