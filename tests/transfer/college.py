"""A small college in which every table has rows, for what must survive a move."""

from __future__ import annotations

import datetime as dt
import uuid

from sqlalchemy import select
from sqlalchemy.orm import Session

from models import (
    ApiToken,
    AuditEntry,
    AutomaticApproval,
    Base,
    ChsiCode,
    ChsiResult,
    ChsiWaiver,
    ConsentRecord,
    CropRequest,
    DataRequest,
    Decision,
    DeletionRecord,
    DrawnPhoto,
    Enrolment,
    FeeWaiver,
    GuardianConsent,
    HandedOver,
    HandoverReceipt,
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
    RefundRequest,
    RefundRequestState,
    RefusedUpload,
    RequestKind,
    Review,
    SmsMessage,
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
from server.services.consent.shipped import SHIPPED_VERSION
from server.services.upkeep.audit_chain import seal_audit
from server.transfer.rows import count_rows, list_shapes
from tests.transfer.college_rules import add_faces, add_profiles, add_rules

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
        guardian = GuardianConsent(
            enrolment_id=enrolment.id,
            relation="母亲",
            way="paper",
            version=SHIPPED_VERSION,
            staff_id=staff.id,
            at=now,
        )
        guardian.encrypt_name("林芳", ctx.cipher)
        wish = DataRequest(
            institution_id=enrolment.institution_id,
            enrolment_id=enrolment.id,
            kind=RequestKind.CORRECTION,
            source="student",
            asked_at=now,
            due_at=now,
        )
        wish.encrypt_wish("姓名有误", ctx.cipher)
        wish.encrypt_answer("已核对", ctx.cipher)
        photo_id = add_photo(ctx, session, enrolment, user)
        add_money(ctx, session, enrolment, user, staff)
        add_rules(ctx, session, enrolment, staff)
        add_profiles(ctx, session, enrolment, photo_id, staff)
        add_faces(ctx, session, enrolment, photo_id, staff)
        change_status(session, enrolment, Event.SUBMITTED, actor=SYSTEM, at=now)
        session.add_all(
            [
                Heartbeat(name="worker", at=now),
                AutomaticApproval(
                    institution_id=enrolment.institution_id,
                    is_on=True,
                    draw_percent=20,
                    changed_by=staff.id,
                    changed_at=now,
                ),
                DrawnPhoto(
                    photo_id=photo_id,
                    institution_id=enrolment.institution_id,
                    is_for_people=True,
                    at=now,
                ),
                CropRequest(
                    photo_id=photo_id,
                    staff_id=staff.id,
                    right_px=-4,
                    down_px=6,
                    percent=102,
                    asked_at=now,
                ),
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
                    enrolment_id=enrolment.id, user_id=user.id, version=SHIPPED_VERSION, at=now
                ),
                guardian,
                wish,
                MessageAllowance(user_id=user.id, template="refund", remaining=2),
                OutboxMessage(
                    dedupe_key="x",
                    user_id=user.id,
                    enrolment_id=enrolment.id,
                    template="refund",
                    fields={"金额": 20.0, "z": None, "a": [1, "二"]},
                    created_at=now,
                ),
                SmsMessage(
                    dedupe_key="s", enrolment_id=enrolment.id, text="请上传照片", created_at=now
                ),
                *make_codes(ctx, enrolment, staff),
                *make_handover(ctx, enrolment, staff),
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
    seal_audit(ctx)
    with ctx.db.engine.connect() as connection:
        empty = [each.name for each in list_shapes() if not count_rows(connection, each)]
    assert empty == [], f"a new table needs a row here: {empty}"


def make_handover(ctx: Context, enrolment: Enrolment, staff: Staff) -> list[Base]:
    """A receipt, who was in it, and what came back."""
    job_id, now = new_id(), ctx.now()
    return [
        HandoverReceipt(
            institution_id=enrolment.institution_id,
            job_id=job_id,
            staff_id=staff.id,
            at=now,
            receiver="采集单位",
            purpose="上报",
            fields="照片",
            count=1,
            left_out=0,
            size_bytes=5_000_000_000,
            sha256="0" * 64,
        ),
        HandedOver(job_id=job_id, enrolment_id=enrolment.id, serial=1),
        ChsiResult(
            enrolment_id=enrolment.id,
            outcome="visible",
            day=now.date(),
            staff_id=staff.id,
            at=now,
        ),
    ]


def make_codes(ctx: Context, enrolment: Enrolment, staff: Staff) -> list[ChsiCode | ChsiWaiver]:
    """A 图像采集码 whose bytes are no text, and a waiver."""
    code = ChsiCode(
        enrolment_id=enrolment.id,
        mode="byte",
        error_level="L",
        version=5,
        mask=2,
        source="picture",
        created_at=ctx.now(),
    )
    code.encrypt("random text", b"random\xff bytes", ctx.cipher)
    waiver = ChsiWaiver(enrolment_id=enrolment.id, staff_id=staff.id, at=ctx.now())
    waiver.encrypt_reason("延长学制", ctx.cipher)
    return [code, waiver]


def add_photo(ctx: Context, session: Session, enrolment: Enrolment, user: WechatUser) -> uuid.UUID:
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
    return photo.id


def add_money(
    ctx: Context, session: Session, enrolment: Enrolment, user: WechatUser, staff: Staff
) -> None:
    now = ctx.now()
    enrolment.fee_settled_at = now
    enrolment.consent_version = SHIPPED_VERSION
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
    asked = RefundRequest(
        institution_id=enrolment.institution_id,
        enrolment_id=enrolment.id,
        order_id=order.id,
        user_id=user.id,
        state=RefundRequestState.REFUSED,
        asked_at=now,
        due_at=now,
        decided_at=now,
        decided_by=staff.id,
    )
    asked.encrypt_reason("不办了", ctx.cipher)
    asked.encrypt_answer("照片正在审核", ctx.cipher)
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
    waiver = FeeWaiver(
        institution_id=enrolment.institution_id,
        enrolment_id=enrolment.id,
        amount_fen=2000,
        actor_kind="staff",
        actor_id=staff.id,
        at=now,
    )
    waiver.encrypt_reason("困难家庭", ctx.cipher)
    refused = RefusedUpload(enrolment_id=enrolment.id, first_at=now, last_at=now)
    rows: list[Base] = [order, notice, run, waiver, refused]
    session.add_all(rows)
    session.flush()
    session.add(asked)
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
