"""Settles a payment exactly once, whoever reports it: callback, query, reconciliation.

What fits the order moves it to paid; what does not fit goes to quarantine, where finance sees it.
Locks are taken in one order everywhere: enrolment, then order.
"""

from __future__ import annotations

import datetime as dt
import enum
import uuid
from dataclasses import dataclass

import structlog
from sqlalchemy import select, update
from sqlalchemy.orm import Session

from models import HAS_MONEY, Order, OrderState, WechatUser
from server import failpoints
from server.context import Context
from server.gateways.pay import EvidenceSource, Misfit, PaymentEvidence, TradeState
from server.services.messages.outbox import queue_shipping_report
from server.services.money.fee import settle_fee
from server.services.money.hold import (
    Reason,
    accept_superseded,
    keep_misfit,
    put_in_quarantine,
)
from server.services.money.lock import lock_order
from server.services.money.numbers import is_our_number
from server.services.money.refunds.book import book_untold_refund, restate_order
from server.services.money.settling.compare import find_mismatch

log = structlog.get_logger()

SETTLEABLE = (OrderState.OPEN, OrderState.QUARANTINED)


class Settlement(enum.StrEnum):
    """What came of one piece of evidence."""

    SETTLED = "settled"
    ALREADY_SETTLED = "already_settled"
    QUARANTINED = "quarantined"
    FOREIGN = "foreign"
    """Of another system on the same merchant account: none of our business."""


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
        if not is_our_number(ctx, evidence.out_trade_no):
            log.info("payment_of_another_system", source=evidence.source)
            return Settlement.FOREIGN
        return quarantine(session, ctx, evidence, None, Reason.UNKNOWN_ORDER, notice_row_id)
    failpoints.hit("settle_locked")
    owed = _read_owed(session, order)
    reason = find_mismatch(ctx, owed, evidence) or _find_conflict(session, order, evidence)
    if reason is not None:
        return quarantine(session, ctx, evidence, order, reason, notice_row_id)
    settlement = Settlement.ALREADY_SETTLED
    if order.state not in HAS_MONEY:
        settlement = _settle_order(session, ctx, order, evidence)
    if evidence.trade_state is TradeState.REFUND:
        book_untold_refund(session, order, ctx.now())
    return settlement


@dataclass(frozen=True, slots=True)
class OwedByOrder:
    """What the comparisons need to know of an order."""

    amount_fen: int
    currency: str
    openid_index: bytes | None


def _read_owed(session: Session, order: Order) -> OwedByOrder:
    """Return what an order asks for, and of whom."""
    payer_index = session.scalar(
        select(WechatUser.openid_index).where(WechatUser.id == order.user_id)
    )
    return OwedByOrder(order.amount_fen, order.currency, payer_index)


def _find_conflict(session: Session, order: Order, evidence: PaymentEvidence) -> Reason | None:
    """Return why a payment that fits its order must not settle it all the same."""
    if order.transaction_id is not None and order.transaction_id != evidence.transaction_id:
        return Reason.PAID_TWICE
    if order.state in HAS_MONEY:
        return None
    is_gone = evidence.trade_state is TradeState.REFUND
    if order.closed_at is not None:
        # the state may be quarantined by now, because of this same payment
        return Reason.REFUNDED_ELSEWHERE if is_gone else Reason.PAID_AFTER_CLOSE
    if order.enrolment.fee_settled_at is not None:
        return Reason.REFUNDED_ELSEWHERE if is_gone else Reason.PAID_TWICE
    other = session.scalar(select(Order.id).where(Order.transaction_id == evidence.transaction_id))
    return None if other is None else Reason.TRANSACTION_USED


def _settle_order(
    session: Session, ctx: Context, order: Order, evidence: PaymentEvidence
) -> Settlement:
    """Move a locked order to paid and its enrolment on, with everything that follows from it."""
    if not _mark_paid(session, order, evidence, settled_by=evidence.source, at=ctx.now()):
        return Settlement.ALREADY_SETTLED
    failpoints.hit("settle_order_paid")
    settle_fee(session, order.enrolment, ctx.now())
    failpoints.hit("settle_enrolment_moved")
    accept_superseded(session, order, evidence.transaction_id, ctx.now())
    if ctx.settings.wechat_report_shipping:
        queue_shipping_report(session, order, ctx.now())
    restate_order(session, order, ctx.now())
    failpoints.hit("settle_end")
    log.info("payment_settled", out_trade_no=order.out_trade_no, source=evidence.source)
    return Settlement.SETTLED


def _mark_paid(
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


def hold_misfit_in(
    session: Session, ctx: Context, misfit: Misfit, notice_id: str, notice_row_id: uuid.UUID
) -> Settlement:
    """Keep genuine news that cannot be as it stands, in the caller's transaction."""
    number = misfit.out_trade_no
    order = lock_order(session, number)
    if order is None and number and not is_our_number(ctx, number):
        log.info("payment_of_another_system", source=EvidenceSource.CALLBACK)
        return Settlement.FOREIGN
    keep_misfit(session, misfit, notice_id, notice_row_id, order=order, at=ctx.now())
    return Settlement.QUARANTINED


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
