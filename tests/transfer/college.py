"""A small college in which every table has rows, for what must survive a move."""

import datetime as dt

from sqlalchemy import select
from sqlalchemy.orm import Session

from models import (
    ApiToken,
    AuditEntry,
    BackgroundJob,
    Base,
    ConsentRecord,
    Decision,
    DeletionRecord,
    Enrolment,
    Heartbeat,
    MessageAllowance,
    Order,
    OutboxMessage,
    PaymentNotice,
    Photo,
    PhotoState,
    QuarantinedPayment,
    Reconciliation,
    ReconciliationDifference,
    Refund,
    Review,
    Staff,
    StaffSession,
    Verdict,
    WechatAccessToken,
    WechatUser,
    describe_place,
    new_id,
)
from server.context import Context
from server.gateways.photo_store import content_key, hash_bytes
from server.services.collection import SYSTEM, Event, change_status
from server.services.manage_institution import CONSENT_VERSION
from server.transfer.rows import count_rows, list_shapes

ORIGINAL = b"\xff\xd8\xff original"
STANDARD = b"\xff\xd8\xff standard"
NOTICE = b'{"id":"raw notice"}'
TOTP_SECRET = "JBSWY3DPEHPK3PXP"


def fill_college(ctx: Context) -> None:
    """Add one student with a whole life to the demo college; needs the demo to be loaded."""
    now = ctx.now()
    with ctx.db.write() as session:
        enrolment = session.scalars(select(Enrolment).order_by(Enrolment.student_no)).first()
        staff = session.scalars(select(Staff).where(Staff.username == "finance")).one()
        assert enrolment is not None
        user = WechatUser(created_at=now)
        user.encrypt_openid("openid-of-first", ctx.cipher)
        session.add(user)
        session.flush()
        staff.totp_secret_encrypted = ctx.cipher.encrypt(
            TOTP_SECRET, place=describe_place("staff", "totp_secret_encrypted", staff.id)
        )
        enrolment.wechat_user_id = user.id
        add_photo(ctx, session, enrolment, user)
        add_money(ctx, session, enrolment, user, staff)
        change_status(session, enrolment, Event.SUBMITTED, actor=SYSTEM, at=now)
        session.add_all(
            [
                Heartbeat(name="worker", at=now),
                ApiToken(user_id=user.id, token_hash=b"t" * 32, created_at=now, expires_at=now),
                StaffSession(
                    staff_id=staff.id,
                    token_hash=b"s" * 32,
                    created_at=now,
                    last_seen_at=now,
                    reauthenticated_at=now,
                    expires_at=now,
                ),
                ConsentRecord(
                    enrolment_id=enrolment.id, user_id=user.id, version=CONSENT_VERSION, at=now
                ),
                MessageAllowance(user_id=user.id, template="refund", remaining=2),
                OutboxMessage(
                    dedupe_key="x",
                    user_id=user.id,
                    enrolment_id=enrolment.id,
                    template="refund",
                    fields={"金额": 20.0, "z": None, "a": [1, "二"]},
                    created_at=now,
                ),
                BackgroundJob(
                    institution_id=enrolment.institution_id,
                    kind="export",
                    state="done",
                    started_by=staff.id,
                    created_at=now,
                ),
                AuditEntry(at=now, action="x", detail={"旧": "值"}, staff_id=staff.id),
                DeletionRecord(at=now, subject_kind="photo", subject_id="x", reason="x"),
                WechatAccessToken(
                    app_id="wxsandbox00000001",
                    token_encrypted=ctx.cipher.encrypt(
                        "access",
                        place=describe_place(
                            "wechat_access_token", "token_encrypted", "wxsandbox00000001"
                        ),
                    ),
                    expires_at=now,
                    refreshed_at=now,
                ),
            ]
        )
    with ctx.db.engine.connect() as connection:
        empty = [each.name for each in list_shapes() if not count_rows(connection, each)]
    assert empty == [], "a new table needs a row here"


def add_photo(ctx: Context, session: Session, enrolment: Enrolment, user: WechatUser) -> None:
    original = content_key("originals", hash_bytes(ORIGINAL), ".bin")
    standard = content_key("standard", hash_bytes(STANDARD), ".jpg")
    ctx.photo_store.put(original, ORIGINAL)
    ctx.photo_store.put(standard, STANDARD)
    photo = Photo(
        id=new_id(),
        enrolment_id=enrolment.id,
        user_id=user.id,
        sha256=hash_bytes(ORIGINAL),
        size_bytes=len(ORIGINAL),
        original_key=original,
        standard_key=standard,
        standard_sha256=hash_bytes(STANDARD),
        profile="moe-2017",
        state=PhotoState.CHECKED,
        verdict=Verdict.PASS,
        report={"measurements": {"tilt_deg": -0.1, "head_top_px": 80.0}, "findings": []},
        submitted_at=ctx.now(),
        checked_at=ctx.now(),
    )
    session.add(photo)
    session.flush()
    enrolment.photo_id = photo.id
    enrolment.uploaded_at = ctx.now()
    session.add(
        Review(
            photo_id=photo.id,
            enrolment_id=enrolment.id,
            staff_id=session.scalars(select(Staff.id)).first(),
            decision=Decision.REJECT,
            reason_codes=["eyes.closed"],
            at=ctx.now(),
            undone_at=ctx.now(),
        )
    )


def add_money(
    ctx: Context, session: Session, enrolment: Enrolment, user: WechatUser, staff: Staff
) -> None:
    now = ctx.now()
    enrolment.fee_settled_at = now
    order = Order(
        id=new_id(),
        institution_id=enrolment.institution_id,
        enrolment_id=enrolment.id,
        user_id=user.id,
        out_trade_no="N1",
        description="采集费",
        amount_fen=2000,
        state="paid",
        pay_version="v3",
        expires_at=now,
        transaction_id="T1",
        paid_at=now,
        created_at=now,
    )
    place = describe_place("payment_notice", "body_encrypted", "notice-1")
    notice = PaymentNotice(
        id=new_id(),
        notice_id="notice-1",
        pay_version="v3",
        is_verified=True,
        body_encrypted=ctx.cipher.encrypt(NOTICE, place=place),
        received_at=now,
        handled_at=now,
    )
    run = Reconciliation(id=new_id(), bill_date=dt.date(2026, 9, 30), started_at=now)
    rows: list[Base] = [order, notice, run]
    session.add_all(rows)
    session.flush()
    money = {"out_trade_no": "N2", "transaction_id": "T2"}
    session.add_all(
        [
            QuarantinedPayment(
                fingerprint="f",
                reason="unknown",
                source="callback",
                amount_fen=1,
                created_at=now,
                notice_id=notice.id,
                resolution="accept",
                resolved_at=now,
                **money,
            ),
            ReconciliationDifference(
                reconciliation_id=run.id,
                fingerprint="f",
                bill_date=run.bill_date,
                kind="missing_here",
                out_trade_no="N3",
                resolved_at=now,
            ),
            Refund(
                order_id=order.id,
                out_refund_no="R1",
                amount_fen=2000,
                total_fen=2000,
                reason="x",
                state="success",
                requested_by=staff.id,
                requested_at=now,
                **money,
            ),
        ]
    )
