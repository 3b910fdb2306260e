"""Settles a payment exactly once, whoever reports it: callback, query, reconciliation.

What fits the order moves it to paid; what does not fit goes to quarantine, where finance sees it.
Locks are taken in one order everywhere: enrolment, then order.
"""

from __future__ import annotations

import datetime as dt
import enum
import uuid

import structlog
from sqlalchemy import select, update
from sqlalchemy.orm import Session

from models import Enrolment, Order, OrderState, WechatUser, index_openid
from server import failpoints
from server.context import Context
from server.gateways.pay import PaymentEvidence, TradeState
from server.services.collection import SYSTEM, advance, lock_enrolment
from server.services.quarantine import Reason, accept_superseded, put_in_quarantine
from server.services.send_messages import queue_shipping_report

log = structlog.get_logger()

SETTLEABLE = (OrderState.OPEN, OrderState.QUARANTINED)
HAS_MONEY = frozenset({OrderState.PAID, OrderState.REFUNDING, OrderState.REFUNDED})


class Settlement(enum.StrEnum):
    """What came of one piece of evidence."""

    SETTLED = "settled"
    ALREADY_SETTLED = "already_settled"
    QUARANTINED = "quarantined"


def settle_payment(ctx: Context, evidence: PaymentEvidence) -> Settlement:
    """Settle `evidence` in a transaction of its own."""
    with ctx.db.write() as session:
        return settle_in(session, ctx, evidence)


def settle_in(
    session: Session,
    ctx: Context,
    evidence: PaymentEvidence,
    notice_row_id: uuid.UUID | None = None,
) -> Settlement:
    """Settle `evidence` in the caller's transaction; no remote call happens here."""
    failpoints.hit("settle_begin")
    order = lock_order(session, evidence.out_trade_no)
    if order is None:
        return quarantine(session, ctx, evidence, None, Reason.UNKNOWN_ORDER, notice_row_id)
    failpoints.hit("settle_locked")
    reason = find_mismatch(session, ctx, order, evidence) or find_conflict(session, order, evidence)
    if reason is not None:
        return quarantine(session, ctx, evidence, order, reason, notice_row_id)
    if order.state in HAS_MONEY:
        return Settlement.ALREADY_SETTLED
    return settle_order(session, ctx, order, evidence)


def lock_order(session: Session, out_trade_no: str) -> Order | None:
    """Return the order with its enrolment and itself locked until the transaction ends."""
    enrolment_id = session.scalar(
        select(Order.enrolment_id).where(Order.out_trade_no == out_trade_no)
    )
    if enrolment_id is None:
        return None
    lock_enrolment(session, enrolment_id)
    return session.scalars(
        select(Order)
        .where(Order.out_trade_no == out_trade_no)
        .with_for_update(of=Order)
        .execution_options(populate_existing=True)
    ).one()


def find_mismatch(
    session: Session, ctx: Context, order: Order, evidence: PaymentEvidence
) -> Reason | None:
    """Compare a payment with our order; return the first thing that is not the same."""
    payer_index = session.scalar(
        select(WechatUser.openid_index).where(WechatUser.id == order.user_id)
    )
    comparisons = {
        Reason.WRONG_APP: evidence.app_id == ctx.pay.app_id,
        Reason.WRONG_MERCHANT: evidence.mch_id == ctx.pay.mch_id,
        Reason.WRONG_CURRENCY: evidence.currency == order.currency,
        Reason.WRONG_AMOUNT: evidence.amount_fen == order.amount_fen,
        Reason.WRONG_PAYER: index_openid(evidence.payer_openid, ctx.cipher) == payer_index,
    }
    return next((reason for reason, is_equal in comparisons.items() if not is_equal), None)


def find_conflict(session: Session, order: Order, evidence: PaymentEvidence) -> Reason | None:
    """Return why a payment that fits its order must not settle it all the same."""
    if order.transaction_id is not None and order.transaction_id != evidence.transaction_id:
        return Reason.PAID_TWICE
    if order.state in HAS_MONEY:
        return None
    if order.closed_at is not None:
        # the state may be quarantined by now, because of this same payment
        return Reason.PAID_AFTER_CLOSE
    if evidence.trade_state is TradeState.REFUND:
        return Reason.REFUNDED_ELSEWHERE
    if order.enrolment.fee_settled_at is not None:
        return Reason.PAID_TWICE
    other = session.scalar(select(Order.id).where(Order.transaction_id == evidence.transaction_id))
    return None if other is None else Reason.TRANSACTION_USED


def settle_order(
    session: Session, ctx: Context, order: Order, evidence: PaymentEvidence
) -> Settlement:
    """Move a locked order to paid and its enrolment on, with everything that follows from it."""
    if not mark_paid(session, order, evidence, settled_by=evidence.source, at=ctx.now()):
        return Settlement.ALREADY_SETTLED
    failpoints.hit("settle_order_paid")
    settle_fee(session, order.enrolment, ctx.now())
    failpoints.hit("settle_enrolment_moved")
    accept_superseded(session, order, evidence.transaction_id, ctx.now())
    if ctx.settings.wechat_report_shipping:
        queue_shipping_report(session, order, ctx.now())
    failpoints.hit("settle_end")
    log.info("payment_settled", out_trade_no=order.out_trade_no, source=evidence.source)
    return Settlement.SETTLED


def mark_paid(
    session: Session, order: Order, evidence: PaymentEvidence, *, settled_by: str, at: dt.datetime
) -> bool:
    """Write the payment into the order, if nobody did; the row's state decides, not our memory."""
    changed = session.execute(
        update(Order)
        .where(Order.id == order.id, Order.state.in_(SETTLEABLE))
        .values(
            state=OrderState.PAID,
            transaction_id=evidence.transaction_id,
            paid_at=evidence.success_time or at,
            settled_at=at,
            settled_by=settled_by,
            next_query_at=None,
        )
    )
    return bool(changed.rowcount)  # type: ignore[attr-defined]


def settle_fee(session: Session, enrolment: Enrolment, at: dt.datetime) -> None:
    """Note on the locked enrolment that its fee is paid; a passed photo moves it to uploaded."""
    enrolment.fee_settled_at = at
    enrolment.updated_at = at
    advance(session, enrolment, actor=SYSTEM, at=at)


def quarantine(
    session: Session,
    ctx: Context,
    evidence: PaymentEvidence,
    order: Order | None,
    reason: Reason,
    notice_row_id: uuid.UUID | None,
) -> Settlement:
    """Keep money that does not fit, in the caller's transaction."""
    failpoints.hit("settle_quarantine")
    put_in_quarantine(
        session, evidence, order=order, reason=reason, at=ctx.now(), notice_row_id=notice_row_id
    )
    return Settlement.QUARANTINED
