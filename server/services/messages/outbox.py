"""Messages to students: written as rows beside the change they tell of, sent afterwards."""

from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import Mapping

import structlog
from sqlalchemy import select, update
from sqlalchemy.orm import Session

from models import MessageAllowance, Order, OutboxMessage, WechatUser
from server.context import Context
from server.gateways.transport import GatewayError
from server.gateways.wechat_messages import WechatRefused
from server.upsert import insert_once

log = structlog.get_logger()

SHIPPING_REPORT = "shipping_report"
PENDING, SENT, REFUSED, FAILED = "pending", "sent", "refused", "failed"
RETRY_AFTER = tuple(dt.timedelta(minutes=minutes) for minutes in (1, 5, 30, 120, 360))
CLAIM_FOR = dt.timedelta(minutes=2)  # longer than any call; a killed worker's message comes back
SEND_SIZE = 50
GIVE_UP_AFTER_FAILURES = 3  # in a round: WeChat is down, and others wait for this thread


def queue_message(
    session: Session,
    *,
    user_id: uuid.UUID,
    enrolment_id: uuid.UUID,
    template: str,
    fact: str,
    fields: Mapping[str, str],
    at: dt.datetime,
) -> bool:
    """Write a message in the caller's transaction; return whether it is a new one.

    `template` is `photo_rejected`, `photo_collected`, `deadline_near`, `refund` or
    `data_request`. `fact` names what the message tells, for example a refund's number: the same
    fact twice is one message.
    `fields` maps WeChat's field names, for example `thing1`, to text, which is cut when sent.
    """
    row_id = insert_once(
        session,
        OutboxMessage,
        key="dedupe_key",
        values={
            "dedupe_key": f"{template}:{fact}"[:120],
            "user_id": user_id,
            "enrolment_id": enrolment_id,
            "template": template,
            "fields": dict(fields),
            "state": PENDING,
            "attempts": 0,
            "next_attempt_at": at,
            "last_error": "",
            "created_at": at,
        },
    )
    return row_id is not None


def queue_shipping_report(session: Session, order: Order, at: dt.datetime) -> None:
    """Plan the report to WeChat that a paid order is being delivered."""
    queue_message(
        session,
        user_id=order.user_id,
        enrolment_id=order.enrolment_id,
        template=SHIPPING_REPORT,
        fact=order.out_trade_no,
        fields={"out_trade_no": order.out_trade_no},
        at=at,
    )


def send_due_messages(ctx: Context) -> int:
    """Send what is due; return how many were tried."""
    with ctx.db.read() as session:
        message_ids = session.scalars(
            select(OutboxMessage.id)
            .where(OutboxMessage.state == PENDING, OutboxMessage.next_attempt_at <= ctx.now())
            .order_by(OutboxMessage.next_attempt_at)
            .limit(SEND_SIZE)
        ).all()
    failures = 0
    for message_id in message_ids:
        message = claim(ctx, message_id)
        failures += message is not None and not send_one(ctx, message)
        if failures >= GIVE_UP_AFTER_FAILURES:
            break
    return len(message_ids)


def claim(ctx: Context, message_id: uuid.UUID) -> OutboxMessage | None:
    """Reserve a message for this worker, counting the attempt before it is made."""
    now = ctx.now()
    with ctx.db.write() as session:
        message = session.get(OutboxMessage, message_id)
        if message is None:  # its decision was undone a moment ago
            return None
        claimed = session.execute(
            update(OutboxMessage)
            .where(OutboxMessage.id == message_id, OutboxMessage.state == PENDING)
            .where(OutboxMessage.next_attempt_at <= now)
            .values(attempts=OutboxMessage.attempts + 1, next_attempt_at=now + CLAIM_FOR)
            .execution_options(synchronize_session=False)
        )
        session.refresh(message)
        return message if claimed.rowcount else None  # type: ignore[attr-defined]


def send_one(ctx: Context, message: OutboxMessage) -> bool:
    """Make one attempt and write down how it ended; False when WeChat failed."""
    try:
        is_known = deliver(ctx, message)
    except WechatRefused as refusal:
        finish(ctx, message, REFUSED, refusal.code)
    except GatewayError as error:
        postpone(ctx, message, str(error))
        return False
    else:
        finish(ctx, message, SENT if is_known else REFUSED, "" if is_known else "no template id")
    return True


def deliver(ctx: Context, message: OutboxMessage) -> bool:
    """Hand the message to WeChat; False when no template is configured for it."""
    with ctx.db.read() as session:
        openid = session.get_one(WechatUser, message.user_id).decrypt_openid(ctx.cipher)
        order = session.scalar(
            select(Order).where(Order.out_trade_no == message.fields.get("out_trade_no", ""))
        )
    if message.template == SHIPPING_REPORT:
        if order is not None and order.transaction_id and order.paid_at:
            ctx.messages.report_shipping(
                order.transaction_id, openid, order.description, order.paid_at
            )
        return order is not None
    template_id = ctx.settings.parse_templates().get(message.template)
    if template_id is None:
        return False
    ctx.messages.send_message(openid, template_id, message.fields)
    return True


def finish(ctx: Context, message: OutboxMessage, state: str, reason: str) -> None:
    """End a message; a sent one uses up one permission of the student."""
    with ctx.db.write() as session:
        row = session.get(OutboxMessage, message.id)
        if row is None:
            return
        row.state = state
        row.last_error = reason[:120]
        row.next_attempt_at = None
        if state == SENT:
            row.sent_at = ctx.now()
            session.execute(
                update(MessageAllowance)
                .where(MessageAllowance.user_id == row.user_id)
                .where(MessageAllowance.template == row.template, MessageAllowance.remaining > 0)
                .values(remaining=MessageAllowance.remaining - 1)
            )
    log.info("message_ended", template=message.template, state=state, reason=reason[:120])


def postpone(ctx: Context, message: OutboxMessage, reason: str) -> None:
    """Plan the next attempt, or give up after the last one."""
    if message.attempts > len(RETRY_AFTER):
        finish(ctx, message, FAILED, reason)
        return
    with ctx.db.write() as session:
        row = session.get(OutboxMessage, message.id)
        if row is None:
            return
        row.last_error = reason[:120]
        row.next_attempt_at = ctx.now() + RETRY_AFTER[message.attempts - 1]
