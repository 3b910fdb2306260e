"""How a refund runs, from its row to WeChat's result; `manage_refunds` is what finance does.

The refund is a committed row before WeChat hears of it; every retry uses its number, because a
new number would be a second refund. The result arrives by callback or by asking.
"""

from __future__ import annotations

import datetime as dt
import uuid

import structlog
from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from models import (
    CollectionStatus,
    Order,
    OrderState,
    QuarantinedPayment,
    Refund,
    RefundState,
)
from server.context import Context
from server.errors import CaijiError
from server.gateways.pay import RefundEvidence, RefundRequest, RefundStatus
from server.gateways.transport import GatewayError, GatewayRefused
from server.services.amounts import format_yuan
from server.services.collection import SYSTEM, TRANSITIONS, Event, change_status
from server.services.quarantine import Reason, keep_refund
from server.services.send_messages import queue_message
from server.services.settle_payment import lock_order

log = structlog.get_logger()

UNFINISHED = (RefundState.REQUESTED, RefundState.PROCESSING)
FIRST_QUERY_AFTER = dt.timedelta(seconds=30)
SLOWEST_QUERY = dt.timedelta(hours=1)
REASON_LENGTH = 80  # WeChat's limit for the reason shown to the payer
REFUND_SIZE = 50
GIVE_UP_AFTER_FAILURES = 3  # in a round: WeChat is down, and others wait for this thread
RETRYABLE_CODES = frozenset({"NOT_ENOUGH", "NOTENOUGH", "FREQUENCY_LIMITED", "SYSTEM_ERROR"})


class RefundRefused(CaijiError):
    """This payment cannot be refunded now."""

    code = "refund_refused"
    status = 409
    message = "这笔付款当前不能退款"


class RefundReasonMissing(CaijiError):
    """Finance must be able to explain every fen."""

    code = "refund_reason_missing"
    status = 422
    message = "请填写退款原因"


def start_order_refund(
    session: Session, order: Order, staff_id: uuid.UUID, reason: str, at: dt.datetime
) -> Refund:
    """Move a locked, paid order to refunding and write the refund's row."""
    if order.state is not OrderState.PAID or order.transaction_id is None:
        raise RefundRefused
    order.state = OrderState.REFUNDING
    is_same = (Refund.order_id == order.id) & Refund.quarantined_payment_id.is_(None)
    earlier = session.scalar(select(func.count()).where(is_same)) or 0
    suffix = f"-{earlier + 1}" if earlier else ""
    refund = Refund(
        institution_id=order.institution_id,
        order_id=order.id,
        transaction_id=order.transaction_id,
        out_trade_no=order.out_trade_no,
        out_refund_no=f"R{order.out_trade_no}{suffix}",
        amount_fen=order.amount_fen,
        total_fen=order.amount_fen,
        reason=reason,
        state=RefundState.REQUESTED,
        requested_by=staff_id,
        requested_at=at,
        next_query_at=at + FIRST_QUERY_AFTER,
    )
    session.add(refund)
    session.flush()
    return refund


def start_quarantine_refund(
    session: Session, held: QuarantinedPayment, staff_id: uuid.UUID, reason: str, at: dt.datetime
) -> Refund:
    """Write the refund of money in quarantine; its order, if any, goes along."""
    refund = Refund(
        institution_id=held.institution_id,
        order_id=held.order_id,
        quarantined_payment_id=held.id,
        transaction_id=held.transaction_id,
        out_trade_no=held.out_trade_no,
        out_refund_no=f"Q{held.id.hex}" + make_suffix(session, held),
        amount_fen=held.amount_fen,
        total_fen=held.amount_fen,
        reason=clean_reason(reason),
        state=RefundState.REQUESTED,
        requested_by=staff_id,
        requested_at=at,
        next_query_at=at + FIRST_QUERY_AFTER,
    )
    session.add(refund)
    session.flush()
    return refund


def make_suffix(session: Session, held: QuarantinedPayment) -> str:
    """Return what keeps a refund apart from an earlier one that WeChat closed."""
    is_same = Refund.quarantined_payment_id == held.id
    earlier = session.scalar(select(func.count()).where(is_same)) or 0
    return f"-{earlier + 1}" if earlier else ""


def clean_reason(reason: str) -> str:
    """Return the reason in one line of the length that WeChat takes."""
    cleaned = " ".join(reason.split())[:REASON_LENGTH]
    if not cleaned:
        raise RefundReasonMissing
    return cleaned


def find_running(session: Session, *, order_id: uuid.UUID) -> Refund | None:
    """Return the refund of an order that has not ended without result."""
    return session.scalar(
        select(Refund)
        .where(Refund.order_id == order_id, Refund.state != RefundState.CLOSED)
        .where(Refund.quarantined_payment_id.is_(None))
    )


def submit_refund(ctx: Context, refund_id: uuid.UUID) -> bool:
    """Tell WeChat of a refund, or ask how it stands, and apply the answer.

    Returns False when WeChat gave no answer; the next round tries again.
    """
    refund = load(ctx, refund_id)
    try:
        evidence = ask(ctx, refund)
    except GatewayRefused as refusal:
        note_refusal(ctx, refund, refusal.code)
        return True
    except GatewayError as error:
        plan_next(ctx, refund, str(error))
        return False
    with ctx.db.write() as session:
        apply_refund_in(session, ctx, evidence)
    if evidence.status is RefundStatus.PROCESSING:
        plan_next(ctx, refund, "")
    return True


def ask(ctx: Context, refund: Refund) -> RefundEvidence:
    """Make the one call that fits the refund's state."""
    if refund.state is not RefundState.REQUESTED:
        evidence = ctx.pay.query_refund(refund.out_refund_no)
        if evidence.status is not RefundStatus.NOT_FOUND:
            return evidence
    return ctx.pay.refund(
        RefundRequest(
            out_refund_no=refund.out_refund_no,
            out_trade_no=refund.out_trade_no,
            transaction_id=refund.transaction_id,
            refund_fen=refund.amount_fen,
            total_fen=refund.total_fen,
            reason=refund.reason,
        )
    )


def apply_refund_in(session: Session, ctx: Context, evidence: RefundEvidence) -> str:
    """Bring a refund in line with what WeChat says, in the caller's transaction, once."""
    known_as = session.scalar(
        select(Refund.out_trade_no).where(Refund.out_refund_no == evidence.out_refund_no)
    )
    order = lock_order(session, known_as or evidence.out_trade_no)
    refund = session.scalars(
        select(Refund)
        .where(Refund.out_refund_no == evidence.out_refund_no)
        .with_for_update()
        .execution_options(populate_existing=True)
    ).one_or_none()
    at = ctx.now()
    if evidence.mch_id not in {"", ctx.pay.mch_id}:
        keep_refund(session, evidence, order=order, reason=Reason.WRONG_MERCHANT, at=at)
        return "quarantined"
    if refund is None:
        keep_refund(session, evidence, order=order, reason=Reason.UNKNOWN_REFUND, at=at)
        return "quarantined"
    if evidence.refund_fen != refund.amount_fen:
        reason = Reason.WRONG_REFUND_AMOUNT
        keep_refund(session, evidence, order=order, reason=reason, at=at)
        return "quarantined"
    if refund.state in {RefundState.SUCCESS, RefundState.CLOSED}:
        return "already_settled"
    refund.refund_id = evidence.refund_id or refund.refund_id
    if evidence.status is RefundStatus.SUCCESS:
        finish_refund(session, refund, order, evidence.success_time or at, at)
    elif evidence.status is RefundStatus.CLOSED:
        reopen_after_closed_refund(session, refund, order, at)
    elif evidence.status is RefundStatus.ABNORMAL:
        refund.state, refund.next_query_at = RefundState.ABNORMAL, at + SLOWEST_QUERY
    else:
        refund.state = RefundState.PROCESSING
    return f"refund_{refund.state}"


def finish_refund(
    session: Session,
    refund: Refund,
    order: Order | None,
    success_time: dt.datetime,
    at: dt.datetime,
) -> None:
    """The money is back: the order is refunded, the enrolment unpaid, the student told."""
    refund.state = RefundState.SUCCESS
    refund.finished_at = success_time
    refund.next_query_at = None
    log.info("refund_finished", out_refund_no=refund.out_refund_no)
    if order is None:
        return
    if order.transaction_id == refund.transaction_id:
        order.state = OrderState.REFUNDED
        unsettle_fee(session, order, at)
    elif order.transaction_id is None and order.state is OrderState.REFUNDING:
        # the payment was in quarantine and never settled anything
        order.state = OrderState.REFUNDED
    queue_message(
        session,
        user_id=order.user_id,
        enrolment_id=order.enrolment_id,
        template="refund",
        fact=refund.out_refund_no,
        fields={
            "amount1": format_yuan(refund.amount_fen),
            "thing2": refund.reason,
            "character_string3": order.out_trade_no,
        },
        at=at,
    )


def unsettle_fee(session: Session, order: Order, at: dt.datetime) -> None:
    """Take the settled fee back from the enrolment; a locked photo stays locked."""
    enrolment = order.enrolment
    enrolment.fee_settled_at = None
    enrolment.updated_at = at
    status: CollectionStatus = enrolment.collection_status
    if status in TRANSITIONS[Event.REFUNDED]:
        change_status(session, enrolment, Event.REFUNDED, actor=SYSTEM, at=at)


def reopen_after_closed_refund(
    session: Session, refund: Refund, order: Order | None, at: dt.datetime
) -> None:
    """WeChat closed the refund, so the money is still ours and finance has to decide anew."""
    refund.state = RefundState.CLOSED
    refund.finished_at = at
    refund.next_query_at = None
    if refund.quarantined_payment_id is not None:
        held = session.get_one(QuarantinedPayment, refund.quarantined_payment_id)
        held.resolution = held.resolved_at = held.resolved_by = None
    if order is not None and order.state is OrderState.REFUNDING:
        is_settled = order.transaction_id == refund.transaction_id
        order.state = OrderState.PAID if is_settled else OrderState.QUARANTINED


def note_refusal(ctx: Context, refund: Refund, code: str) -> None:
    """Keep WeChat's refusal; only an empty merchant account is worth trying again."""
    if code in RETRYABLE_CODES:
        plan_next(ctx, refund, code)
        return
    with ctx.db.write() as session:
        session.execute(
            update(Refund)
            .where(Refund.id == refund.id, Refund.state.in_(UNFINISHED))
            .values(state=RefundState.ABNORMAL, last_error=code[:200], next_query_at=None)
        )
    log.error("refund_refused_by_wechat", out_refund_no=refund.out_refund_no, code=code)


def plan_next(ctx: Context, refund: Refund, reason: str) -> None:
    """Plan the next question, ever later."""
    wait = min(FIRST_QUERY_AFTER * 2 ** min(refund.query_count, 10), SLOWEST_QUERY)
    with ctx.db.write() as session:
        session.execute(
            update(Refund)
            .where(Refund.id == refund.id)
            .where(Refund.state.in_((*UNFINISHED, RefundState.ABNORMAL)))
            .values(
                next_query_at=ctx.now() + wait,
                query_count=Refund.query_count + 1,
                last_error=reason[:200],
            )
        )


def poll_due_refunds(ctx: Context) -> int:
    """Retry or ask about every refund whose time has come; return how many."""
    states = (*UNFINISHED, RefundState.ABNORMAL)
    with ctx.db.read() as session:
        refund_ids = session.scalars(
            select(Refund.id)
            .where(Refund.state.in_(states), Refund.next_query_at <= ctx.now())
            .order_by(Refund.next_query_at)
            .limit(REFUND_SIZE)
        ).all()
    failures = 0
    for refund_id in refund_ids:
        failures += not submit_refund(ctx, refund_id)
        if failures >= GIVE_UP_AFTER_FAILURES:
            break
    return len(refund_ids)


def load(ctx: Context, refund_id: uuid.UUID) -> Refund:
    """Return the refund as it stands."""
    with ctx.db.read() as session:
        return session.get_one(Refund, refund_id)
