"""Reminders by SMS: rows first, sent by the worker, never in the quiet hours, never needlessly."""

from __future__ import annotations

import datetime as dt
import uuid

import structlog
from sqlalchemy import select, update

from models import REGISTERED, CollectionStatus, Enrolment, SmsMessage
from server.context import Context
from server.gateways.clock import LOCAL_ZONE, to_local
from server.gateways.sms import SmsRefused
from server.gateways.transport import GatewayError
from server.services.messages.outbox import (
    CLAIM_FOR,
    FAILED,
    GIVE_UP_AFTER_FAILURES,
    PENDING,
    REFUSED,
    RETRY_AFTER,
    SEND_SIZE,
    SENT,
)

log = structlog.get_logger()

MISSING = (CollectionStatus.NOT_UPLOADED, CollectionStatus.REUPLOAD_REQUIRED)


def find_quiet_end(ctx: Context, moment: dt.datetime) -> dt.datetime | None:
    """Return when the quiet hours end that ``moment`` lies in; None: it may be sent."""
    first, last = ctx.settings.parse_quiet_hours()
    local = to_local(moment)
    now = local.time().replace(tzinfo=None)
    is_quiet = first <= now or now < last if first > last else first <= now < last
    if first == last or not is_quiet:
        return None
    day = local.date() + dt.timedelta(days=1 if now >= last else 0)
    return dt.datetime.combine(day, last, LOCAL_ZONE).astimezone(dt.UTC)


def send_due_sms(ctx: Context) -> int:
    """Send what is due; return how many were tried. Does nothing while SMS is off."""
    if not ctx.sms.is_on or find_quiet_end(ctx, ctx.now()) is not None:
        return 0
    with ctx.db.read() as session:
        ids = session.scalars(
            select(SmsMessage.id)
            .where(SmsMessage.state == PENDING, SmsMessage.next_attempt_at <= ctx.now())
            .order_by(SmsMessage.next_attempt_at)
            .limit(SEND_SIZE)
        ).all()
    failures = 0
    for message_id in ids:
        failures += not _send_one(ctx, message_id)
        if failures >= GIVE_UP_AFTER_FAILURES:
            break
    return len(ids)


def _send_one(ctx: Context, message_id: uuid.UUID) -> bool:
    """Make one attempt; False when the gateway failed."""
    now = ctx.now()
    with ctx.db.write() as session:
        claimed = session.execute(
            update(SmsMessage)
            .where(SmsMessage.id == message_id, SmsMessage.state == PENDING)
            .where(SmsMessage.next_attempt_at <= now)
            .values(attempts=SmsMessage.attempts + 1, next_attempt_at=now + CLAIM_FOR)
            .execution_options(synchronize_session=False)
        )
        if not claimed.rowcount:  # type: ignore[attr-defined]
            return True
        message = session.get_one(SmsMessage, message_id, populate_existing=True)
        row = session.get_one(Enrolment, message.enrolment_id)
        is_wanted = row.collection_status in MISSING and row.register_status == REGISTERED
        phone = row.decrypt_phone(ctx.cipher) if is_wanted else ""
    if not phone:
        _finish(ctx, message_id, REFUSED, "no phone" if is_wanted else "not missing any more")
        return True
    try:
        ctx.sms.send(phone, message.text, reference=str(message.id))
    except SmsRefused as refusal:
        _finish(ctx, message_id, REFUSED, refusal.code)
    except GatewayError as error:
        _postpone(ctx, message, str(error))
        return False
    else:
        _finish(ctx, message_id, SENT, "")
    return True


def _finish(ctx: Context, message_id: uuid.UUID, state: str, reason: str) -> None:
    with ctx.db.write() as session:
        row = session.get_one(SmsMessage, message_id)
        row.state = state
        row.last_error = reason[:120]
        row.next_attempt_at = None
        row.sent_at = ctx.now() if state == SENT else None
    log.info("sms_ended", state=state, reason=reason[:120])


def _postpone(ctx: Context, message: SmsMessage, reason: str) -> None:
    if message.attempts > len(RETRY_AFTER):
        _finish(ctx, message.id, FAILED, reason)
        return
    with ctx.db.write() as session:
        row = session.get_one(SmsMessage, message.id)
        row.last_error = reason[:120]
        row.next_attempt_at = ctx.now() + RETRY_AFTER[message.attempts - 1]
