"""first tables"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

import models.base

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


APPEND_ONLY = ("status_change", "audit_entry")


def create_triggers() -> None:
    """Refuse updates and deletes of history, whoever asks."""
    if op.get_bind().dialect.name == "sqlite":
        for table in APPEND_ONLY:
            for action in ("UPDATE", "DELETE"):
                op.execute(
                    f"CREATE TRIGGER {table}_no_{action.lower()} BEFORE {action} ON {table} "
                    f"BEGIN SELECT RAISE(ABORT, '{table} is append-only'); END"
                )
        return
    op.execute(
        "CREATE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS "
        "$$ BEGIN RAISE EXCEPTION '% is append-only', TG_TABLE_NAME; END $$"
    )
    for table in APPEND_ONLY:
        op.execute(
            f"CREATE TRIGGER {table}_append_only BEFORE UPDATE OR DELETE ON {table} "
            "FOR EACH ROW EXECUTE FUNCTION refuse_change()"
        )


def drop_triggers() -> None:
    """Undo create_triggers."""
    if op.get_bind().dialect.name == "sqlite":
        for table in APPEND_ONLY:
            for action in ("update", "delete"):
                op.execute(f"DROP TRIGGER {table}_no_{action}")
        return
    for table in APPEND_ONLY:
        op.execute(f"DROP TRIGGER {table}_append_only ON {table}")
    op.execute("DROP FUNCTION refuse_change()")


def upgrade() -> None:
    op.create_table(
        "consent_text",
        sa.Column("version", sa.String(length=20), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("created_at", models.base.UtcDateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("version", name=op.f("pk_consent_text")),
    )
    op.create_table(
        "deletion_record",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("at", models.base.UtcDateTime(timezone=True), nullable=False),
        sa.Column("subject_kind", sa.String(length=40), nullable=False),
        sa.Column("subject_id", sa.String(length=80), nullable=False),
        sa.Column("reason", sa.String(length=80), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_deletion_record")),
    )
    op.create_index("ix_deletion_record_at", "deletion_record", ["at"], unique=False)
    op.create_table(
        "heartbeat",
        sa.Column("name", sa.String(length=60), nullable=False),
        sa.Column("at", models.base.UtcDateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_heartbeat")),
    )
    op.create_table(
        "institution",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.String(length=100), nullable=False),
        sa.Column("spring_cutoff", sa.String(length=14), nullable=False),
        sa.Column("autumn_cutoff", sa.String(length=14), nullable=False),
        sa.Column("grace_days", sa.Integer(), nullable=False),
        sa.Column("created_at", models.base.UtcDateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_institution")),
        sa.UniqueConstraint("name", name=op.f("uq_institution_name")),
    )
    op.create_table(
        "payment_notice",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("notice_id", sa.String(length=128), nullable=False),
        sa.Column("pay_version", sa.String(length=2), nullable=False),
        sa.Column("kind", sa.String(length=20), nullable=False),
        sa.Column("is_verified", sa.Boolean(), nullable=False),
        sa.Column("body_encrypted", sa.LargeBinary(), nullable=False),
        sa.Column("out_trade_no", sa.String(length=64), nullable=True),
        sa.Column("received_at", models.base.UtcDateTime(timezone=True), nullable=False),
        sa.Column("delivery_count", sa.Integer(), nullable=False),
        sa.Column("outcome", sa.String(length=40), nullable=True),
        sa.Column("handled_at", models.base.UtcDateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_payment_notice")),
        sa.UniqueConstraint("notice_id", name=op.f("uq_payment_notice_notice_id")),
    )
    op.create_index("ix_payment_notice_order", "payment_notice", ["out_trade_no"], unique=False)
    op.create_index(
        "ix_payment_notice_received_at", "payment_notice", ["received_at"], unique=False
    )
    op.create_table(
        "reconciliation",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("bill_date", sa.Date(), nullable=False),
        sa.Column("started_at", models.base.UtcDateTime(timezone=True), nullable=False),
        sa.Column("finished_at", models.base.UtcDateTime(timezone=True), nullable=True),
        sa.Column("bill_rows", sa.Integer(), nullable=False),
        sa.Column("paid_fen", sa.Integer(), nullable=False),
        sa.Column("refunded_fen", sa.Integer(), nullable=False),
        sa.Column("error", sa.String(length=200), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_reconciliation")),
    )
    op.create_index("ix_reconciliation_date", "reconciliation", ["bill_date"], unique=False)
    op.create_table(
        "wechat_access_token",
        sa.Column("app_id", sa.String(length=40), nullable=False),
        sa.Column("token_encrypted", sa.LargeBinary(), nullable=False),
        sa.Column("expires_at", models.base.UtcDateTime(timezone=True), nullable=False),
        sa.Column("refreshed_at", models.base.UtcDateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("app_id", name=op.f("pk_wechat_access_token")),
    )
    op.create_table(
        "wechat_user",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("openid_encrypted", sa.LargeBinary(), nullable=False),
        sa.Column("openid_index", sa.LargeBinary(length=32), nullable=False),
        sa.Column("created_at", models.base.UtcDateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_wechat_user")),
        sa.UniqueConstraint("openid_index", name=op.f("uq_wechat_user_openid_index")),
    )
    op.create_table(
        "api_token",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("token_hash", sa.LargeBinary(length=32), nullable=False),
        sa.Column("created_at", models.base.UtcDateTime(timezone=True), nullable=False),
        sa.Column("expires_at", models.base.UtcDateTime(timezone=True), nullable=False),
        sa.Column("revoked_at", models.base.UtcDateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["user_id"], ["wechat_user.id"], name=op.f("fk_api_token_user_id_wechat_user")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_api_token")),
        sa.UniqueConstraint("token_hash", name=op.f("uq_api_token_token_hash")),
    )
    op.create_index(op.f("ix_api_token_expires_at"), "api_token", ["expires_at"], unique=False)
    op.create_index(op.f("ix_api_token_user_id"), "api_token", ["user_id"], unique=False)
    op.create_table(
        "batch",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("institution_id", sa.Uuid(), nullable=False),
        sa.Column("date", sa.Date(), nullable=False),
        sa.Column("cutoff_at", models.base.UtcDateTime(timezone=True), nullable=False),
        sa.Column("grace_days", sa.Integer(), nullable=False),
        sa.Column("card_visible_from", sa.Date(), nullable=False),
        sa.Column("closed_at", models.base.UtcDateTime(timezone=True), nullable=True),
        sa.Column("created_at", models.base.UtcDateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["institution_id"], ["institution.id"], name=op.f("fk_batch_institution_id_institution")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_batch")),
        sa.UniqueConstraint("institution_id", "cutoff_at", name="uq_batch_cutoff"),
        sa.UniqueConstraint("institution_id", "date", name=op.f("uq_batch_institution_id")),
    )
    op.create_table(
        "feature_code",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("institution_id", sa.Uuid(), nullable=False),
        sa.Column("code", sa.String(length=8), nullable=False),
        sa.Column(
            "mode",
            sa.Enum(
                "centralised", "individual", name="collectionmode", native_enum=False, length=20
            ),
            nullable=False,
        ),
        sa.Column("fee_fen", sa.Integer(), nullable=False),
        sa.Column("profile", sa.String(length=40), nullable=False),
        sa.Column("background", sa.String(length=10), nullable=False),
        sa.Column("capture_policy", sa.String(length=20), nullable=False),
        sa.Column("pay_first", sa.Boolean(), nullable=False),
        sa.Column("daily_submissions", sa.Integer(), nullable=False),
        sa.Column("opens_at", models.base.UtcDateTime(timezone=True), nullable=True),
        sa.Column("closes_at", models.base.UtcDateTime(timezone=True), nullable=True),
        sa.Column("is_enabled", sa.Boolean(), nullable=False),
        sa.Column("created_at", models.base.UtcDateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["institution_id"],
            ["institution.id"],
            name=op.f("fk_feature_code_institution_id_institution"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_feature_code")),
        sa.UniqueConstraint("code", name=op.f("uq_feature_code_code")),
    )
    op.create_index(
        op.f("ix_feature_code_institution_id"), "feature_code", ["institution_id"], unique=False
    )
    op.create_table(
        "learning_centre",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("institution_id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.String(length=100), nullable=False),
        sa.Column("contact", sa.String(length=200), nullable=False),
        sa.Column("created_at", models.base.UtcDateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["institution_id"],
            ["institution.id"],
            name=op.f("fk_learning_centre_institution_id_institution"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_learning_centre")),
        sa.UniqueConstraint(
            "institution_id", "name", name=op.f("uq_learning_centre_institution_id")
        ),
    )
    op.create_table(
        "message_allowance",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("template", sa.String(length=40), nullable=False),
        sa.Column("remaining", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["user_id"], ["wechat_user.id"], name=op.f("fk_message_allowance_user_id_wechat_user")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_message_allowance")),
        sa.UniqueConstraint("user_id", "template", name=op.f("uq_message_allowance_user_id")),
    )
    op.create_table(
        "enrolment",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("institution_id", sa.Uuid(), nullable=False),
        sa.Column("centre_id", sa.Uuid(), nullable=False),
        sa.Column("student_no", sa.String(length=32), nullable=False),
        sa.Column("name", sa.String(length=60), nullable=False),
        sa.Column("id_number_encrypted", sa.LargeBinary(), nullable=False),
        sa.Column("id_number_index", sa.LargeBinary(length=32), nullable=False),
        sa.Column("level", sa.String(length=40), nullable=False),
        sa.Column("major", sa.String(length=80), nullable=False),
        sa.Column("intake", sa.String(length=40), nullable=False),
        sa.Column("expected_term", sa.String(length=40), nullable=False),
        sa.Column("register_status", sa.String(length=20), nullable=False),
        sa.Column(
            "collection_status",
            sa.Enum(
                "not_uploaded",
                "uploaded",
                "reupload_required",
                "reuploaded",
                "collected",
                name="collectionstatus",
                native_enum=False,
                length=20,
            ),
            nullable=False,
        ),
        sa.Column("uploaded_at", models.base.UtcDateTime(timezone=True), nullable=True),
        sa.Column("collected_at", models.base.UtcDateTime(timezone=True), nullable=True),
        sa.Column("batch_id", sa.Uuid(), nullable=True),
        sa.Column("grace_batch_id", sa.Uuid(), nullable=True),
        sa.Column("grace_until", models.base.UtcDateTime(timezone=True), nullable=True),
        sa.Column("wechat_user_id", sa.Uuid(), nullable=True),
        sa.Column("feature_code_id", sa.Uuid(), nullable=True),
        sa.Column("bound_at", models.base.UtcDateTime(timezone=True), nullable=True),
        sa.Column("consent_version", sa.String(length=20), nullable=True),
        sa.Column("fee_settled_at", models.base.UtcDateTime(timezone=True), nullable=True),
        sa.Column("photo_id", sa.Uuid(), nullable=True),
        sa.Column("created_at", models.base.UtcDateTime(timezone=True), nullable=False),
        sa.Column("updated_at", models.base.UtcDateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["batch_id"], ["batch.id"], name=op.f("fk_enrolment_batch_id_batch")
        ),
        sa.ForeignKeyConstraint(
            ["centre_id"],
            ["learning_centre.id"],
            name=op.f("fk_enrolment_centre_id_learning_centre"),
        ),
        sa.ForeignKeyConstraint(
            ["feature_code_id"],
            ["feature_code.id"],
            name=op.f("fk_enrolment_feature_code_id_feature_code"),
        ),
        sa.ForeignKeyConstraint(["grace_batch_id"], ["batch.id"], name="fk_enrolment_grace_batch"),
        sa.ForeignKeyConstraint(
            ["institution_id"],
            ["institution.id"],
            name=op.f("fk_enrolment_institution_id_institution"),
        ),
        sa.ForeignKeyConstraint(
            ["wechat_user_id"],
            ["wechat_user.id"],
            name=op.f("fk_enrolment_wechat_user_id_wechat_user"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_enrolment")),
        sa.UniqueConstraint(
            "institution_id", "student_no", name=op.f("uq_enrolment_institution_id")
        ),
    )
    op.create_index(
        "ix_enrolment_batch",
        "enrolment",
        ["institution_id", "batch_id", "student_no"],
        unique=False,
    )
    op.create_index(
        "ix_enrolment_centre",
        "enrolment",
        ["centre_id", "collection_status", "student_no"],
        unique=False,
    )
    op.create_index(
        "ix_enrolment_collected", "enrolment", ["institution_id", "collected_at"], unique=False
    )
    op.create_index("ix_enrolment_id_number_index", "enrolment", ["id_number_index"], unique=False)
    op.create_index(
        "ix_enrolment_list", "enrolment", ["institution_id", "student_no"], unique=False
    )
    op.create_index("ix_enrolment_name", "enrolment", ["institution_id", "name"], unique=False)
    op.create_index(
        "ix_enrolment_register",
        "enrolment",
        ["institution_id", "register_status", "student_no"],
        unique=False,
    )
    op.create_index(
        "ix_enrolment_status",
        "enrolment",
        ["institution_id", "collection_status", "student_no"],
        unique=False,
    )
    op.create_index(
        "ix_enrolment_uploaded", "enrolment", ["institution_id", "uploaded_at"], unique=False
    )
    op.create_index("ix_enrolment_user", "enrolment", ["wechat_user_id"], unique=False)
    op.create_table(
        "staff",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("institution_id", sa.Uuid(), nullable=False),
        sa.Column("username", sa.String(length=40), nullable=False),
        sa.Column("password_hash", sa.String(length=200), nullable=False),
        sa.Column("must_change_password", sa.Boolean(), nullable=False),
        sa.Column(
            "role",
            sa.Enum(
                "admin", "reviewer", "centre", "finance", name="role", native_enum=False, length=10
            ),
            nullable=False,
        ),
        sa.Column("centre_id", sa.Uuid(), nullable=True),
        sa.Column("totp_secret_encrypted", sa.LargeBinary(), nullable=True),
        sa.Column("totp_enabled_at", models.base.UtcDateTime(timezone=True), nullable=True),
        sa.Column("totp_last_step", sa.Integer(), nullable=True),
        sa.Column("recovery_code_hashes", sa.JSON(), nullable=False),
        sa.Column("disabled_at", models.base.UtcDateTime(timezone=True), nullable=True),
        sa.Column("created_at", models.base.UtcDateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["centre_id"], ["learning_centre.id"], name=op.f("fk_staff_centre_id_learning_centre")
        ),
        sa.ForeignKeyConstraint(
            ["institution_id"], ["institution.id"], name=op.f("fk_staff_institution_id_institution")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_staff")),
        sa.UniqueConstraint("username", name=op.f("uq_staff_username")),
    )
    op.create_index(op.f("ix_staff_institution_id"), "staff", ["institution_id"], unique=False)
    op.create_table(
        "audit_entry",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("institution_id", sa.Uuid(), nullable=True),
        sa.Column("at", models.base.UtcDateTime(timezone=True), nullable=False),
        sa.Column("staff_id", sa.Uuid(), nullable=True),
        sa.Column("action", sa.String(length=60), nullable=False),
        sa.Column("subject_kind", sa.String(length=40), nullable=False),
        sa.Column("subject_id", sa.String(length=60), nullable=False),
        sa.Column("detail", sa.JSON(), nullable=False),
        sa.Column("request_id", sa.String(length=40), nullable=False),
        sa.ForeignKeyConstraint(
            ["institution_id"],
            ["institution.id"],
            name=op.f("fk_audit_entry_institution_id_institution"),
        ),
        sa.ForeignKeyConstraint(
            ["staff_id"], ["staff.id"], name=op.f("fk_audit_entry_staff_id_staff")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_audit_entry")),
    )
    op.create_index(
        "ix_audit_entry_institution", "audit_entry", ["institution_id", "at"], unique=False
    )
    op.create_index(
        "ix_audit_entry_subject", "audit_entry", ["subject_kind", "subject_id"], unique=False
    )
    op.create_table(
        "background_job",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("institution_id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.String(length=30), nullable=False),
        sa.Column("state", sa.String(length=20), nullable=False),
        sa.Column("parameters", sa.JSON(), nullable=False),
        sa.Column("result", sa.JSON(), nullable=False),
        sa.Column("file_key", sa.String(length=200), nullable=True),
        sa.Column("done_count", sa.Integer(), nullable=False),
        sa.Column("total_count", sa.Integer(), nullable=False),
        sa.Column("error", sa.String(length=500), nullable=False),
        sa.Column("started_by", sa.Uuid(), nullable=False),
        sa.Column("created_at", models.base.UtcDateTime(timezone=True), nullable=False),
        sa.Column("progressed_at", models.base.UtcDateTime(timezone=True), nullable=True),
        sa.Column("finished_at", models.base.UtcDateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["institution_id"],
            ["institution.id"],
            name=op.f("fk_background_job_institution_id_institution"),
        ),
        sa.ForeignKeyConstraint(
            ["started_by"], ["staff.id"], name=op.f("fk_background_job_started_by_staff")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_background_job")),
    )
    op.create_index(
        "ix_background_job_institution",
        "background_job",
        ["institution_id", "created_at"],
        unique=False,
    )
    op.create_table(
        "consent_record",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("enrolment_id", sa.Uuid(), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("version", sa.String(length=20), nullable=False),
        sa.Column("at", models.base.UtcDateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["enrolment_id"],
            ["enrolment.id"],
            name=op.f("fk_consent_record_enrolment_id_enrolment"),
        ),
        sa.ForeignKeyConstraint(
            ["user_id"], ["wechat_user.id"], name=op.f("fk_consent_record_user_id_wechat_user")
        ),
        sa.ForeignKeyConstraint(
            ["version"],
            ["consent_text.version"],
            name=op.f("fk_consent_record_version_consent_text"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_consent_record")),
    )
    op.create_index("ix_consent_record_enrolment", "consent_record", ["enrolment_id"], unique=False)
    op.create_table(
        "outbox_message",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("dedupe_key", sa.String(length=120), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("enrolment_id", sa.Uuid(), nullable=False),
        sa.Column("template", sa.String(length=40), nullable=False),
        sa.Column("fields", sa.JSON(), nullable=False),
        sa.Column("state", sa.String(length=20), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("next_attempt_at", models.base.UtcDateTime(timezone=True), nullable=True),
        sa.Column("sent_at", models.base.UtcDateTime(timezone=True), nullable=True),
        sa.Column("last_error", sa.String(length=120), nullable=False),
        sa.Column("created_at", models.base.UtcDateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["enrolment_id"],
            ["enrolment.id"],
            name=op.f("fk_outbox_message_enrolment_id_enrolment"),
        ),
        sa.ForeignKeyConstraint(
            ["user_id"], ["wechat_user.id"], name=op.f("fk_outbox_message_user_id_wechat_user")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_outbox_message")),
        sa.UniqueConstraint("dedupe_key", name=op.f("uq_outbox_message_dedupe_key")),
    )
    op.create_index(
        "ix_outbox_message_due", "outbox_message", ["state", "next_attempt_at"], unique=False
    )
    op.create_index(
        "ix_outbox_message_enrolment",
        "outbox_message",
        ["enrolment_id", "created_at"],
        unique=False,
    )
    op.create_table(
        "payment_order",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("institution_id", sa.Uuid(), nullable=False),
        sa.Column("enrolment_id", sa.Uuid(), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("out_trade_no", sa.String(length=32), nullable=False),
        sa.Column("description", sa.String(length=127), nullable=False),
        sa.Column("amount_fen", sa.Integer(), nullable=False),
        sa.Column("currency", sa.String(length=3), nullable=False),
        sa.Column(
            "state",
            sa.Enum(
                "open",
                "paid",
                "closed",
                "refunding",
                "refunded",
                "quarantined",
                name="orderstate",
                native_enum=False,
                length=20,
            ),
            nullable=False,
        ),
        sa.Column("pay_version", sa.String(length=2), nullable=False),
        sa.Column("sign_type", sa.String(length=20), nullable=False),
        sa.Column("prepay_id", sa.String(length=64), nullable=True),
        sa.Column("prepay_expires_at", models.base.UtcDateTime(timezone=True), nullable=True),
        sa.Column("expires_at", models.base.UtcDateTime(timezone=True), nullable=False),
        sa.Column("transaction_id", sa.String(length=32), nullable=True),
        sa.Column("paid_at", models.base.UtcDateTime(timezone=True), nullable=True),
        sa.Column("settled_at", models.base.UtcDateTime(timezone=True), nullable=True),
        sa.Column("settled_by", sa.String(length=20), nullable=True),
        sa.Column("closed_at", models.base.UtcDateTime(timezone=True), nullable=True),
        sa.Column("last_queried_at", models.base.UtcDateTime(timezone=True), nullable=True),
        sa.Column("next_query_at", models.base.UtcDateTime(timezone=True), nullable=True),
        sa.Column("query_count", sa.Integer(), nullable=False),
        sa.Column("created_at", models.base.UtcDateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["enrolment_id"], ["enrolment.id"], name=op.f("fk_payment_order_enrolment_id_enrolment")
        ),
        sa.ForeignKeyConstraint(
            ["institution_id"],
            ["institution.id"],
            name=op.f("fk_payment_order_institution_id_institution"),
        ),
        sa.ForeignKeyConstraint(
            ["user_id"], ["wechat_user.id"], name=op.f("fk_payment_order_user_id_wechat_user")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_payment_order")),
        sa.UniqueConstraint("out_trade_no", name=op.f("uq_payment_order_out_trade_no")),
        sa.UniqueConstraint("transaction_id", name=op.f("uq_payment_order_transaction_id")),
    )
    op.create_index(
        "ix_payment_order_due", "payment_order", ["state", "next_query_at"], unique=False
    )
    op.create_index(
        "ix_payment_order_enrolment", "payment_order", ["enrolment_id", "created_at"], unique=False
    )
    op.create_index(
        "ix_payment_order_paid_at", "payment_order", ["institution_id", "paid_at"], unique=False
    )
    op.create_index(
        "uq_payment_order_open",
        "payment_order",
        ["enrolment_id"],
        unique=True,
        sqlite_where=sa.text("state = 'open'"),
        postgresql_where=sa.text("state = 'open'"),
    )
    op.create_table(
        "photo",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("enrolment_id", sa.Uuid(), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column("size_bytes", sa.Integer(), nullable=False),
        sa.Column("original_key", sa.String(length=200), nullable=True),
        sa.Column("profile", sa.String(length=40), nullable=False),
        sa.Column("background", sa.String(length=10), nullable=False),
        sa.Column(
            "state",
            sa.Enum(
                "received",
                "checked",
                "withdrawn",
                "superseded",
                "rejected",
                "approved",
                name="photostate",
                native_enum=False,
                length=20,
            ),
            nullable=False,
        ),
        sa.Column("submitted_at", models.base.UtcDateTime(timezone=True), nullable=False),
        sa.Column("check_attempts", sa.Integer(), nullable=False),
        sa.Column("check_started_at", models.base.UtcDateTime(timezone=True), nullable=True),
        sa.Column("checked_at", models.base.UtcDateTime(timezone=True), nullable=True),
        sa.Column(
            "verdict",
            sa.Enum("pass", "warn", "fail", name="verdict", native_enum=False, length=10),
            nullable=True,
        ),
        sa.Column("report", sa.JSON(), nullable=True),
        sa.Column("overlay_svg", sa.Text(), nullable=True),
        sa.Column("standard_key", sa.String(length=200), nullable=True),
        sa.Column("standard_sha256", sa.String(length=64), nullable=True),
        sa.Column("opened_at", models.base.UtcDateTime(timezone=True), nullable=True),
        sa.Column("leased_by", sa.Uuid(), nullable=True),
        sa.Column("leased_until", models.base.UtcDateTime(timezone=True), nullable=True),
        sa.Column("decided_at", models.base.UtcDateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["enrolment_id"], ["enrolment.id"], name=op.f("fk_photo_enrolment_id_enrolment")
        ),
        sa.ForeignKeyConstraint(["leased_by"], ["staff.id"], name="fk_photo_leased_by"),
        sa.ForeignKeyConstraint(
            ["user_id"], ["wechat_user.id"], name=op.f("fk_photo_user_id_wechat_user")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_photo")),
        sa.UniqueConstraint("enrolment_id", "sha256", name=op.f("uq_photo_enrolment_id")),
    )
    op.create_index("ix_photo_enrolment", "photo", ["enrolment_id", "submitted_at"], unique=False)
    op.create_index("ix_photo_lease", "photo", ["leased_until"], unique=False)
    op.create_index("ix_photo_state", "photo", ["state", "submitted_at"], unique=False)
    with op.batch_alter_table("enrolment") as batch:
        batch.create_foreign_key("fk_enrolment_photo", "photo", ["photo_id"], ["id"])
    op.create_table(
        "reconciliation_difference",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("reconciliation_id", sa.Uuid(), nullable=False),
        sa.Column("institution_id", sa.Uuid(), nullable=True),
        sa.Column("fingerprint", sa.String(length=160), nullable=False),
        sa.Column("bill_date", sa.Date(), nullable=False),
        sa.Column("kind", sa.String(length=30), nullable=False),
        sa.Column("out_trade_no", sa.String(length=64), nullable=False),
        sa.Column("transaction_id", sa.String(length=64), nullable=False),
        sa.Column("our_fen", sa.Integer(), nullable=True),
        sa.Column("their_fen", sa.Integer(), nullable=True),
        sa.Column("resolved_at", models.base.UtcDateTime(timezone=True), nullable=True),
        sa.Column("resolved_by", sa.Uuid(), nullable=True),
        sa.Column("resolution_note", sa.String(length=500), nullable=False),
        sa.ForeignKeyConstraint(
            ["institution_id"],
            ["institution.id"],
            name=op.f("fk_reconciliation_difference_institution_id_institution"),
        ),
        sa.ForeignKeyConstraint(
            ["reconciliation_id"],
            ["reconciliation.id"],
            name=op.f("fk_reconciliation_difference_reconciliation_id_reconciliation"),
        ),
        sa.ForeignKeyConstraint(
            ["resolved_by"],
            ["staff.id"],
            name=op.f("fk_reconciliation_difference_resolved_by_staff"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_reconciliation_difference")),
        sa.UniqueConstraint("fingerprint", name=op.f("uq_reconciliation_difference_fingerprint")),
    )
    op.create_index(
        "ix_reconciliation_difference_open",
        "reconciliation_difference",
        ["resolved_at", "bill_date"],
        unique=False,
    )
    op.create_table(
        "staff_session",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("staff_id", sa.Uuid(), nullable=False),
        sa.Column("token_hash", sa.LargeBinary(length=32), nullable=False),
        sa.Column("created_at", models.base.UtcDateTime(timezone=True), nullable=False),
        sa.Column("last_seen_at", models.base.UtcDateTime(timezone=True), nullable=False),
        sa.Column("reauthenticated_at", models.base.UtcDateTime(timezone=True), nullable=False),
        sa.Column("expires_at", models.base.UtcDateTime(timezone=True), nullable=False),
        sa.Column("revoked_at", models.base.UtcDateTime(timezone=True), nullable=True),
        sa.Column("user_agent", sa.String(length=200), nullable=False),
        sa.ForeignKeyConstraint(
            ["staff_id"], ["staff.id"], name=op.f("fk_staff_session_staff_id_staff")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_staff_session")),
        sa.UniqueConstraint("token_hash", name=op.f("uq_staff_session_token_hash")),
    )
    op.create_index(
        op.f("ix_staff_session_expires_at"), "staff_session", ["expires_at"], unique=False
    )
    op.create_index(op.f("ix_staff_session_staff_id"), "staff_session", ["staff_id"], unique=False)
    op.create_table(
        "status_change",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("enrolment_id", sa.Uuid(), nullable=False),
        sa.Column("at", models.base.UtcDateTime(timezone=True), nullable=False),
        sa.Column(
            "from_status",
            sa.Enum(
                "not_uploaded",
                "uploaded",
                "reupload_required",
                "reuploaded",
                "collected",
                name="collectionstatus",
                native_enum=False,
                length=20,
            ),
            nullable=True,
        ),
        sa.Column(
            "to_status",
            sa.Enum(
                "not_uploaded",
                "uploaded",
                "reupload_required",
                "reuploaded",
                "collected",
                name="collectionstatus",
                native_enum=False,
                length=20,
            ),
            nullable=False,
        ),
        sa.Column("event", sa.String(length=30), nullable=False),
        sa.Column("actor_kind", sa.String(length=20), nullable=False),
        sa.Column("actor_id", sa.Uuid(), nullable=True),
        sa.Column("reason", sa.String(length=500), nullable=False),
        sa.ForeignKeyConstraint(
            ["enrolment_id"], ["enrolment.id"], name=op.f("fk_status_change_enrolment_id_enrolment")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_status_change")),
    )
    op.create_index("ix_status_change_at", "status_change", ["at"], unique=False)
    op.create_index(
        "ix_status_change_enrolment", "status_change", ["enrolment_id", "at"], unique=False
    )
    op.create_table(
        "quarantined_payment",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("institution_id", sa.Uuid(), nullable=True),
        sa.Column("fingerprint", sa.String(length=160), nullable=False),
        sa.Column("reason", sa.String(length=40), nullable=False),
        sa.Column("source", sa.String(length=20), nullable=False),
        sa.Column("out_trade_no", sa.String(length=64), nullable=False),
        sa.Column("transaction_id", sa.String(length=64), nullable=False),
        sa.Column("amount_fen", sa.Integer(), nullable=False),
        sa.Column("detail", sa.String(length=500), nullable=False),
        sa.Column("order_id", sa.Uuid(), nullable=True),
        sa.Column("notice_id", sa.Uuid(), nullable=True),
        sa.Column("created_at", models.base.UtcDateTime(timezone=True), nullable=False),
        sa.Column("resolution", sa.String(length=20), nullable=True),
        sa.Column("resolved_at", models.base.UtcDateTime(timezone=True), nullable=True),
        sa.Column("resolved_by", sa.Uuid(), nullable=True),
        sa.Column("resolution_note", sa.String(length=500), nullable=False),
        sa.ForeignKeyConstraint(
            ["institution_id"],
            ["institution.id"],
            name=op.f("fk_quarantined_payment_institution_id_institution"),
        ),
        sa.ForeignKeyConstraint(
            ["notice_id"],
            ["payment_notice.id"],
            name=op.f("fk_quarantined_payment_notice_id_payment_notice"),
        ),
        sa.ForeignKeyConstraint(
            ["order_id"],
            ["payment_order.id"],
            name=op.f("fk_quarantined_payment_order_id_payment_order"),
        ),
        sa.ForeignKeyConstraint(
            ["resolved_by"], ["staff.id"], name=op.f("fk_quarantined_payment_resolved_by_staff")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_quarantined_payment")),
        sa.UniqueConstraint("fingerprint", name=op.f("uq_quarantined_payment_fingerprint")),
    )
    op.create_index(
        "ix_quarantined_payment_open",
        "quarantined_payment",
        ["resolved_at", "created_at"],
        unique=False,
    )
    op.create_table(
        "review",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("photo_id", sa.Uuid(), nullable=False),
        sa.Column("enrolment_id", sa.Uuid(), nullable=False),
        sa.Column("staff_id", sa.Uuid(), nullable=False),
        sa.Column(
            "decision",
            sa.Enum("approve", "reject", "correct", name="decision", native_enum=False, length=10),
            nullable=False,
        ),
        sa.Column("reason_codes", sa.JSON(), nullable=False),
        sa.Column("note", sa.String(length=500), nullable=False),
        sa.Column("at", models.base.UtcDateTime(timezone=True), nullable=False),
        sa.Column("undone_at", models.base.UtcDateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["enrolment_id"], ["enrolment.id"], name=op.f("fk_review_enrolment_id_enrolment")
        ),
        sa.ForeignKeyConstraint(["photo_id"], ["photo.id"], name=op.f("fk_review_photo_id_photo")),
        sa.ForeignKeyConstraint(["staff_id"], ["staff.id"], name=op.f("fk_review_staff_id_staff")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_review")),
    )
    op.create_index("ix_review_at", "review", ["at"], unique=False)
    op.create_index("ix_review_enrolment", "review", ["enrolment_id", "at"], unique=False)
    op.create_index("ix_review_photo", "review", ["photo_id"], unique=False)
    op.create_table(
        "refund",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("institution_id", sa.Uuid(), nullable=True),
        sa.Column("order_id", sa.Uuid(), nullable=True),
        sa.Column("quarantined_payment_id", sa.Uuid(), nullable=True),
        sa.Column("transaction_id", sa.String(length=64), nullable=False),
        sa.Column("out_trade_no", sa.String(length=64), nullable=False),
        sa.Column("out_refund_no", sa.String(length=64), nullable=False),
        sa.Column("refund_id", sa.String(length=64), nullable=True),
        sa.Column("amount_fen", sa.Integer(), nullable=False),
        sa.Column("total_fen", sa.Integer(), nullable=False),
        sa.Column("reason", sa.String(length=80), nullable=False),
        sa.Column(
            "state",
            sa.Enum(
                "requested",
                "processing",
                "success",
                "abnormal",
                "closed",
                name="refundstate",
                native_enum=False,
                length=20,
            ),
            nullable=False,
        ),
        sa.Column("requested_by", sa.Uuid(), nullable=False),
        sa.Column("requested_at", models.base.UtcDateTime(timezone=True), nullable=False),
        sa.Column("finished_at", models.base.UtcDateTime(timezone=True), nullable=True),
        sa.Column("next_query_at", models.base.UtcDateTime(timezone=True), nullable=True),
        sa.Column("query_count", sa.Integer(), nullable=False),
        sa.Column("last_error", sa.String(length=200), nullable=False),
        sa.ForeignKeyConstraint(
            ["institution_id"],
            ["institution.id"],
            name=op.f("fk_refund_institution_id_institution"),
        ),
        sa.ForeignKeyConstraint(
            ["order_id"], ["payment_order.id"], name=op.f("fk_refund_order_id_payment_order")
        ),
        sa.ForeignKeyConstraint(
            ["quarantined_payment_id"],
            ["quarantined_payment.id"],
            name=op.f("fk_refund_quarantined_payment_id_quarantined_payment"),
        ),
        sa.ForeignKeyConstraint(
            ["requested_by"], ["staff.id"], name=op.f("fk_refund_requested_by_staff")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_refund")),
        sa.UniqueConstraint("out_refund_no", name=op.f("uq_refund_out_refund_no")),
    )
    op.create_index("ix_refund_due", "refund", ["state", "next_query_at"], unique=False)
    op.create_index(op.f("ix_refund_order_id"), "refund", ["order_id"], unique=False)
    create_triggers()


def downgrade() -> None:
    drop_triggers()
    with op.batch_alter_table("enrolment") as batch:
        batch.drop_constraint("fk_enrolment_photo", type_="foreignkey")
    op.drop_index(op.f("ix_refund_order_id"), table_name="refund")
    op.drop_index("ix_refund_due", table_name="refund")
    op.drop_table("refund")
    op.drop_index("ix_review_photo", table_name="review")
    op.drop_index("ix_review_enrolment", table_name="review")
    op.drop_index("ix_review_at", table_name="review")
    op.drop_table("review")
    op.drop_index("ix_quarantined_payment_open", table_name="quarantined_payment")
    op.drop_table("quarantined_payment")
    op.drop_index("ix_status_change_enrolment", table_name="status_change")
    op.drop_index("ix_status_change_at", table_name="status_change")
    op.drop_table("status_change")
    op.drop_index(op.f("ix_staff_session_staff_id"), table_name="staff_session")
    op.drop_index(op.f("ix_staff_session_expires_at"), table_name="staff_session")
    op.drop_table("staff_session")
    op.drop_index("ix_reconciliation_difference_open", table_name="reconciliation_difference")
    op.drop_table("reconciliation_difference")
    op.drop_index("ix_photo_state", table_name="photo")
    op.drop_index("ix_photo_lease", table_name="photo")
    op.drop_index("ix_photo_enrolment", table_name="photo")
    op.drop_table("photo")
    op.drop_index(
        "uq_payment_order_open",
        table_name="payment_order",
        sqlite_where=sa.text("state = 'open'"),
        postgresql_where=sa.text("state = 'open'"),
    )
    op.drop_index("ix_payment_order_paid_at", table_name="payment_order")
    op.drop_index("ix_payment_order_enrolment", table_name="payment_order")
    op.drop_index("ix_payment_order_due", table_name="payment_order")
    op.drop_table("payment_order")
    op.drop_index("ix_outbox_message_enrolment", table_name="outbox_message")
    op.drop_index("ix_outbox_message_due", table_name="outbox_message")
    op.drop_table("outbox_message")
    op.drop_index("ix_consent_record_enrolment", table_name="consent_record")
    op.drop_table("consent_record")
    op.drop_index("ix_background_job_institution", table_name="background_job")
    op.drop_table("background_job")
    op.drop_index("ix_audit_entry_subject", table_name="audit_entry")
    op.drop_index("ix_audit_entry_institution", table_name="audit_entry")
    op.drop_table("audit_entry")
    op.drop_index(op.f("ix_staff_institution_id"), table_name="staff")
    op.drop_table("staff")
    op.drop_index("ix_enrolment_user", table_name="enrolment")
    op.drop_index("ix_enrolment_uploaded", table_name="enrolment")
    op.drop_index("ix_enrolment_status", table_name="enrolment")
    op.drop_index("ix_enrolment_register", table_name="enrolment")
    op.drop_index("ix_enrolment_name", table_name="enrolment")
    op.drop_index("ix_enrolment_list", table_name="enrolment")
    op.drop_index("ix_enrolment_id_number_index", table_name="enrolment")
    op.drop_index("ix_enrolment_collected", table_name="enrolment")
    op.drop_index("ix_enrolment_centre", table_name="enrolment")
    op.drop_index("ix_enrolment_batch", table_name="enrolment")
    op.drop_table("enrolment")
    op.drop_table("message_allowance")
    op.drop_table("learning_centre")
    op.drop_index(op.f("ix_feature_code_institution_id"), table_name="feature_code")
    op.drop_table("feature_code")
    op.drop_table("batch")
    op.drop_index(op.f("ix_api_token_user_id"), table_name="api_token")
    op.drop_index(op.f("ix_api_token_expires_at"), table_name="api_token")
    op.drop_table("api_token")
    op.drop_table("wechat_user")
    op.drop_table("wechat_access_token")
    op.drop_index("ix_reconciliation_date", table_name="reconciliation")
    op.drop_table("reconciliation")
    op.drop_index("ix_payment_notice_received_at", table_name="payment_notice")
    op.drop_index("ix_payment_notice_order", table_name="payment_notice")
    op.drop_table("payment_notice")
    op.drop_table("institution")
    op.drop_table("heartbeat")
    op.drop_index("ix_deletion_record_at", table_name="deletion_record")
    op.drop_table("deletion_record")
    op.drop_table("consent_text")
