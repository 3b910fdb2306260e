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

from models import Order, OrderState, QuarantinedPayment, Refund, RefundState
from server.context import Context
from server.errors import CaijiError
from server.gateways.pay import RefundEvidence, RefundRequest, RefundStatus, TradeState
from server.gateways.transport import GatewayError, GatewayRefused
from server.services.money.lock import lock_order
from server.services.money.refunds.book import (
    UNFINISHED,
    apply_refund_in,
    book_untold_refund,
    sum_refunded_fen,
)

log = structlog.get_logger()

REFUNDABLE = (OrderState.PAID, OrderState.PARTLY_REFUNDED)
FIRST_QUERY_AFTER = dt.timedelta(seconds=30)
SLOWEST_QUERY = dt.timedelta(hours=1)
REASON_LENGTH = 80  # WeChat's limit for the reason shown to the payer
REFUND_SIZE = 50
GIVE_UP_AFTER_FAILURES = 3  # in a round: WeChat is down, and others wait for this thread
NOT_ENOUGH_CODES = frozenset({"NOT_ENOUGH", "NOTENOUGH"})
RETRYABLE_CODES = NOT_ENOUGH_CODES | {"FREQUENCY_LIMITED", "SYSTEM_ERROR"}


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
    """Move a locked, paid order to refunding and write the row for all that is left of it."""
    if order.state not in REFUNDABLE or order.transaction_id is None:
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
        amount_fen=order.amount_fen - sum_refunded_fen(session, order),
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
        out_refund_no=f"Q{held.id.hex}" + _make_suffix(session, held),
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


def _make_suffix(session: Session, held: QuarantinedPayment) -> str:
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


def find_running(session: Session, order: Order) -> Refund | None:
    """Return the refund of an order that runs, or the last one that gave back all of it."""
    states: list[RefundState] = [*UNFINISHED, RefundState.ABNORMAL]
    if order.state is OrderState.REFUNDED:
        states.append(RefundState.SUCCESS)
    return session.scalars(
        select(Refund)
        .where(Refund.order_id == order.id, Refund.state.in_(states))
        .where(Refund.quarantined_payment_id.is_(None))
        .order_by(Refund.id.desc())
        .limit(1)
    ).first()


def submit_refund(ctx: Context, refund_id: uuid.UUID) -> bool:
    """Tell WeChat of a refund, or ask how it stands, and apply the answer.

    Returns False when WeChat gave no answer; the next round tries again.
    """
    refund = load(ctx, refund_id)
    try:
        evidence = ask(ctx, refund)
    except GatewayRefused as refusal:
        if not _has_been_overtaken(ctx, refund, refusal.code):
            note_refusal(ctx, refund, refusal.code)
        return True
    except GatewayError as error:
        _plan_next(ctx, refund, str(error))
        return False
    with ctx.db.write() as session:
        apply_refund_in(session, ctx, evidence)
    if evidence.status is RefundStatus.PROCESSING:
        _plan_next(ctx, refund, "")
    return True


def _has_been_overtaken(ctx: Context, refund: Refund, code: str) -> bool:
    """Whether the money that we want to give back went back by somebody else's hand.

    WeChat says that there is not enough, and of the order that it was refunded: without this
    question we would ask for ever.
    """
    if code not in NOT_ENOUGH_CODES or refund.order_id is None or refund.requested_by is None:
        return False
    try:
        report = ctx.pay.query(refund.out_trade_no)
    except GatewayError:
        return False
    if report.state is not TradeState.REFUND:
        return False
    with ctx.db.write() as session:
        order = lock_order(session, refund.out_trade_no)
        if order is not None:
            book_untold_refund(session, order, ctx.now(), unless=refund.id)
        return session.get_one(Refund, refund.id, populate_existing=True).state not in UNFINISHED


def ask(ctx: Context, refund: Refund) -> RefundEvidence:
    """Make the one call that fits the refund's state."""
    if refund.state is not RefundState.REQUESTED or refund.requested_by is None:
        evidence = ctx.pay.query_refund(refund.out_refund_no)
        if evidence.status is not RefundStatus.NOT_FOUND:
            return evidence
    if refund.requested_by is None:
        raise GatewayRefused("RESOURCE_NOT_EXISTS", "somebody else's refund, which is not there")
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


def note_refusal(ctx: Context, refund: Refund, code: str) -> None:
    """Keep WeChat's refusal; only an empty merchant account is worth trying again."""
    if code in RETRYABLE_CODES:
        _plan_next(ctx, refund, code)
        return
    with ctx.db.write() as session:
        session.execute(
            update(Refund)
            .where(Refund.id == refund.id, Refund.state.in_(UNFINISHED))
            .values(state=RefundState.ABNORMAL, last_error=code[:200], next_query_at=None)
        )
    log.error("refund_refused_by_wechat", out_refund_no=refund.out_refund_no, code=code)


def _plan_next(ctx: Context, refund: Refund, reason: str) -> None:
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
