"""Books what WeChat says about a refund, whoever asked for it, in the caller's transaction, once.

Our own refund has a row before WeChat hears of it. One that somebody made by hand on the merchant
platform gets its row when we learn of it, by notice, question or bill. The state of the order
follows from its refunds alone.
"""

from __future__ import annotations

import datetime as dt
import uuid

import structlog
from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from models import HAS_MONEY, Order, OrderState, QuarantinedPayment, Refund, RefundState
from server.context import Context
from server.gateways.pay import RefundEvidence, RefundStatus
from server.services.messages.outbox import queue_message
from server.services.money.amounts import format_yuan
from server.services.money.fee import is_settled_otherwise, settle_fee, unsettle_fee
from server.services.money.hold import MAX_FEN, Reason, keep_refund
from server.services.money.lock import lock_order
from server.services.money.numbers import is_our_number

log = structlog.get_logger()

UNFINISHED = (RefundState.REQUESTED, RefundState.PROCESSING)
NOT_AT_WECHAT = (RefundState.REQUESTED, RefundState.ABNORMAL)
ASK_AGAIN_AFTER = dt.timedelta(hours=1)
BY_HAND = "在微信商户平台退款"
BOOKED_SINCE = "付款入账后已补记这笔退款"
UNTOLD = "在微信商户平台退款，金额以账单为准"
UNTOLD_PREFIX = "W"
OVERTAKEN = "REFUNDED_ELSEWHERE"
"""Why we gave our own refund up: what it asked for is not there any more."""
STATES = {
    RefundStatus.SUCCESS: RefundState.SUCCESS,
    RefundStatus.PROCESSING: RefundState.PROCESSING,
    RefundStatus.ABNORMAL: RefundState.ABNORMAL,
}


def apply_refund_in(session: Session, ctx: Context, evidence: RefundEvidence) -> str:
    """Bring our books in line with what WeChat says of a refund; return the outcome in a word."""
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
    if refund is None and order is None and not is_our_number(ctx, evidence.out_trade_no):
        log.info("refund_of_another_system")
        return "foreign"
    at = ctx.now()
    if evidence.mch_id not in {"", ctx.pay.mch_id}:
        return quarantine(session, evidence, order, Reason.WRONG_MERCHANT, at)
    if refund is None:
        return _book_by_hand(session, evidence, order, at)
    if evidence.refund_fen != refund.amount_fen:
        return quarantine(session, evidence, order, Reason.WRONG_REFUND_AMOUNT, at)
    is_success = evidence.status is RefundStatus.SUCCESS
    is_revived = refund.state is RefundState.CLOSED and is_success
    if refund.state in {RefundState.SUCCESS, RefundState.CLOSED} and not is_revived:
        return "already_settled"
    refund.refund_id = evidence.refund_id[:64] or refund.refund_id
    if is_success:
        finish_refund(session, refund, order, evidence.success_time or at, at)
    elif evidence.status is RefundStatus.CLOSED:
        reopen_after_closed_refund(session, refund, order, at)
    elif evidence.status is RefundStatus.ABNORMAL:
        refund.state, refund.next_query_at = RefundState.ABNORMAL, at + ASK_AGAIN_AFTER
    else:
        refund.state = RefundState.PROCESSING
    return f"refund_{refund.state}"


def quarantine(
    session: Session, evidence: RefundEvidence, order: Order | None, reason: Reason, at: dt.datetime
) -> str:
    """Keep news that does not fit for finance."""
    keep_refund(session, evidence, order=order, reason=reason, at=at)
    return "quarantined"


def _book_by_hand(
    session: Session, evidence: RefundEvidence, order: Order | None, at: dt.datetime
) -> str:
    """Give a refund that we did not ask for its row, and let it do what one of ours would."""
    held = find_held(session, evidence.transaction_id)
    total_fen = held.amount_fen if held else order.amount_fen if order else 0
    # News of an order that has no money yet is kept apart: bill or question tell what is true.
    is_ours = held is not None or (
        order is not None and order.transaction_id == evidence.transaction_id
    )
    if not is_ours or len(evidence.out_refund_no) > 64 or evidence.status not in STATES:  # noqa: PLR2004
        if is_ours and evidence.status is RefundStatus.CLOSED:
            return "ignored"
        return quarantine(session, evidence, order, Reason.UNKNOWN_REFUND, at)
    if order is not None and held is None:
        _forget_untold(session, order)
    left_fen = total_fen - _sum_transaction_fen(session, evidence.transaction_id)
    if not 0 < evidence.refund_fen <= left_fen:
        return quarantine(session, evidence, order, Reason.WRONG_REFUND_AMOUNT, at)
    refund = add_refund(session, evidence, order, held, total_fen=total_fen, at=at)
    _dismiss_early_news(session, evidence, at)
    if refund.state is RefundState.SUCCESS:
        finish_refund(session, refund, order, evidence.success_time or at, at)
    elif order is not None:
        _order_asks_soon(order, at)
    return f"refund_{refund.state}"


def _dismiss_early_news(session: Session, evidence: RefundEvidence, at: dt.datetime) -> None:
    """Resolve what was held because the news of a refund came before that of its payment."""
    session.execute(
        update(QuarantinedPayment)
        .where(
            QuarantinedPayment.source == "refund",
            QuarantinedPayment.reason == Reason.UNKNOWN_REFUND,
            QuarantinedPayment.transaction_id
            == (evidence.refund_id or evidence.out_refund_no)[:64],
            QuarantinedPayment.resolved_at.is_(None),
        )
        .values(resolution="dismiss", resolved_at=at, resolution_note=BOOKED_SINCE)
    )


def find_held(session: Session, transaction_id: str) -> QuarantinedPayment | None:
    """Return the money in quarantine that a refund by hand has given back."""
    return session.scalars(
        select(QuarantinedPayment)
        .where(
            QuarantinedPayment.transaction_id == transaction_id,
            QuarantinedPayment.source != "refund",
            QuarantinedPayment.resolved_at.is_(None),
        )
        .order_by(QuarantinedPayment.id)
        .limit(1)
        .with_for_update()
    ).first()


def add_refund(
    session: Session,
    evidence: RefundEvidence,
    order: Order | None,
    held: QuarantinedPayment | None,
    *,
    total_fen: int,
    at: dt.datetime,
) -> Refund:
    """Write the row of a refund that nobody here asked for."""
    state = STATES[evidence.status]
    refund = Refund(
        institution_id=held.institution_id if held else order.institution_id if order else None,
        order_id=order.id if order else None,
        quarantined_payment_id=held.id if held else None,
        transaction_id=evidence.transaction_id[:64],
        out_trade_no=evidence.out_trade_no[:64],
        out_refund_no=evidence.out_refund_no,
        refund_id=evidence.refund_id[:64] or None,
        amount_fen=evidence.refund_fen,
        total_fen=total_fen,
        reason=BY_HAND,
        state=state,
        requested_by=None,
        requested_at=evidence.success_time or at,
        next_query_at=None if state is RefundState.SUCCESS else at + ASK_AGAIN_AFTER,
    )
    session.add(refund)
    session.flush()
    log.warning("refund_by_hand", out_trade_no=refund.out_trade_no, state=state)
    return refund


def book_untold_refund(
    session: Session, order: Order, at: dt.datetime, *, unless: uuid.UUID | None = None
) -> None:
    """WeChat says of a paid order that it was refunded, and no refund known here explains it.

    The answer names no amount: it counts as the whole until a notice or the bill tells better.
    ``unless`` is one of ours that WeChat has just refused, and that so explains nothing.
    """
    explaining = select(Refund.id).where(
        Refund.order_id == order.id, Refund.state != RefundState.CLOSED
    )
    known = session.scalars(explaining.where(Refund.id != unless) if unless else explaining).first()
    if known is not None or order.state not in HAS_MONEY or order.transaction_id is None:
        return
    refund = Refund(
        institution_id=order.institution_id,
        order_id=order.id,
        transaction_id=order.transaction_id,
        out_trade_no=order.out_trade_no,
        out_refund_no=f"{UNTOLD_PREFIX}{order.out_trade_no}",
        amount_fen=order.amount_fen,
        total_fen=order.amount_fen,
        reason=UNTOLD,
        state=RefundState.SUCCESS,
        requested_by=None,
        requested_at=at,
    )
    session.add(refund)
    session.flush()
    finish_refund(session, refund, order, at, at)


def _forget_untold(session: Session, order: Order) -> None:
    """Take back what only a question had told: now somebody names number and amount."""
    session.execute(
        update(Refund)
        .where(
            Refund.out_refund_no == f"{UNTOLD_PREFIX}{order.out_trade_no}",
            Refund.state == RefundState.SUCCESS,
        )
        .values(state=RefundState.CLOSED)
    )


def finish_refund(
    session: Session,
    refund: Refund,
    order: Order | None,
    success_time: dt.datetime,
    at: dt.datetime,
) -> None:
    """The money is back: books and enrolment follow, and the student is told."""
    refund.state = RefundState.SUCCESS
    refund.finished_at = success_time
    refund.next_query_at = None
    session.flush()
    log.info("refund_finished", out_refund_no=refund.out_refund_no)
    if refund.quarantined_payment_id is not None:
        _end_held(session, refund, at)
    if order is None:
        return
    if order.transaction_id == refund.transaction_id:
        restate_order(session, order, at)
    elif order.transaction_id is None and order.state is OrderState.REFUNDING:
        # the payment was in quarantine and never settled anything
        is_waiting = _has_open_held(session, order)
        order.state = OrderState.QUARANTINED if is_waiting else OrderState.REFUNDED
    elif order.state in {OrderState.OPEN, OrderState.QUARANTINED}:
        _order_asks_soon(order, at)
    tell_student(session, refund, order, at)


def _end_held(session: Session, refund: Refund, at: dt.datetime) -> None:
    """Money in quarantine that somebody gave back whole waits for nobody any more."""
    held = session.get_one(QuarantinedPayment, refund.quarantined_payment_id)
    if held.resolved_at is not None or refund.amount_fen < held.amount_fen:
        return
    held.resolution, held.resolved_at, held.resolution_note = "refund", at, BY_HAND
    session.flush()
    order = session.get(Order, held.order_id) if held.order_id else None
    if order is not None and order.state is OrderState.QUARANTINED:
        order.state = (
            OrderState.QUARANTINED if _has_open_held(session, order) else OrderState.REFUNDED
        )
        order.closed_at = order.closed_at or at


def _has_open_held(session: Session, order: Order) -> bool:
    """Whether money for an order still waits for finance."""
    query = select(QuarantinedPayment.id).where(
        QuarantinedPayment.order_id == order.id, QuarantinedPayment.resolved_at.is_(None)
    )
    return session.scalars(query.limit(1)).first() is not None


def _order_asks_soon(order: Order, at: dt.datetime) -> None:
    """Let the sweeper ask about an order now: there is money that we had not heard of."""
    order.next_query_at = at


def tell_student(session: Session, refund: Refund, order: Order, at: dt.datetime) -> None:
    """Write the message that money went back."""
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


def _sum_transaction_fen(session: Session, transaction_id: str) -> int:
    """Return how much of a payment has gone back."""
    query = select(func.coalesce(func.sum(Refund.amount_fen), 0)).where(
        Refund.transaction_id == transaction_id, Refund.state == RefundState.SUCCESS
    )
    return int(session.scalar(query) or 0)


def sum_refunded_fen(session: Session, order: Order) -> int:
    """Return how much of the payment that settled an order has gone back."""
    return _sum_transaction_fen(session, order.transaction_id) if order.transaction_id else 0


def restate_order(session: Session, order: Order, at: dt.datetime) -> None:
    """Bring the state of a locked order with money, and its fee, in line with its refunds."""
    if order.transaction_id is None or order.state not in HAS_MONEY:
        return
    refunded_fen = sum_refunded_fen(session, order)
    _give_up_overtaken(session, order, order.amount_fen - refunded_fen, at)
    is_running = session.scalar(
        select(Refund.id).where(
            Refund.order_id == order.id,
            Refund.transaction_id == order.transaction_id,
            Refund.state.in_((*UNFINISHED, RefundState.ABNORMAL)),
            Refund.requested_by.is_not(None),
        )
    )
    if refunded_fen >= order.amount_fen:
        order.state = OrderState.REFUNDED
        session.flush()
        unsettle_fee(session, order, at)
        return
    if is_running is not None:
        order.state = OrderState.REFUNDING
    else:
        order.state = OrderState.PARTLY_REFUNDED if refunded_fen else OrderState.PAID
    enrolment = order.enrolment
    session.flush()
    if enrolment.fee_settled_at is None and not is_settled_otherwise(session, enrolment, order):
        settle_fee(session, enrolment, at)


def _give_up_overtaken(session: Session, order: Order, left_fen: int, at: dt.datetime) -> None:
    """Close what we asked for and WeChat cannot give any more: others were faster."""
    session.execute(
        update(Refund)
        .where(
            Refund.order_id == order.id,
            Refund.transaction_id == order.transaction_id,
            Refund.state.in_(NOT_AT_WECHAT),
            Refund.amount_fen > min(left_fen, MAX_FEN),
        )
        .values(state=RefundState.CLOSED, finished_at=at, next_query_at=None, last_error=OVERTAKEN)
    )


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
    session.flush()
    if order is None or order.state is not OrderState.REFUNDING:
        return
    if order.transaction_id == refund.transaction_id:
        restate_order(session, order, at)
    else:
        order.state = OrderState.QUARANTINED
