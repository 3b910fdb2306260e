"""What finance can do with money in quarantine: give it back, accept it, or link it to an order."""

from __future__ import annotations

import uuid

from sqlalchemy import select
from sqlalchemy.orm import Session

from models import AuditEntry, Order, OrderState, QuarantinedPayment, Refund
from server.context import Context
from server.errors import CaijiError, NotFound
from server.services.refund_order import load, start_quarantine_refund, submit_refund
from server.services.settle_payment import HAS_MONEY, lock_order, settle_fee

REFUND, ACCEPT, LINK = "refund", "accept", "link"


class QuarantineResolved(CaijiError):
    """Somebody was faster."""

    code = "quarantine_resolved"
    status = 409
    message = "这笔款项已经处理过"


class QuarantineNotAcceptable(CaijiError):
    """The order cannot take this payment."""

    code = "quarantine_not_acceptable"
    status = 409
    message = "该订单不能接受这笔付款"


def refund_quarantined(
    ctx: Context, held_id: uuid.UUID, *, staff_id: uuid.UUID, reason: str
) -> Refund:
    """Give the money back. Raises NotFound, QuarantineResolved, QuarantineNotAcceptable."""
    with ctx.db.write() as session:
        held, order = lock_held(session, held_id)
        if order is not None and order.transaction_id == held.transaction_id:
            # the same payment has settled its order: it is refunded there, not a second time here
            raise QuarantineNotAcceptable
        refund = start_quarantine_refund(session, held, staff_id, reason, ctx.now())
        if order is not None and order.state is OrderState.QUARANTINED:
            order.state = OrderState.REFUNDING
        resolve(session, ctx, held, staff_id, REFUND, reason)
    submit_refund(ctx, refund.id)
    return load(ctx, refund.id)


def accept_quarantined(
    ctx: Context,
    held_id: uuid.UUID,
    *,
    staff_id: uuid.UUID,
    note: str,
    out_trade_no: str | None = None,
) -> None:
    """Let the payment settle its own order, or the one named by `out_trade_no` (a link).

    Raises:
        NotFound, QuarantineResolved.
        QuarantineNotAcceptable: there is no such order, or its fee is settled already.
    """
    with ctx.db.write() as session:
        held, order = lock_held(session, held_id, out_trade_no)
        if order is None or not is_free_for(session, order, held):
            raise QuarantineNotAcceptable
        order.state = OrderState.PAID
        order.transaction_id = held.transaction_id
        order.paid_at = held.created_at
        order.settled_at = ctx.now()
        order.settled_by = "finance"
        order.next_query_at = None
        settle_fee(session, order.enrolment, ctx.now())
        resolve(session, ctx, held, staff_id, LINK if out_trade_no else ACCEPT, note)


def lock_held(
    session: Session, held_id: uuid.UUID, out_trade_no: str | None = None
) -> tuple[QuarantinedPayment, Order | None]:
    """Return the locked, unresolved row and the locked order that it is about."""
    known_as = session.scalar(
        select(QuarantinedPayment.out_trade_no).where(QuarantinedPayment.id == held_id)
    )
    if known_as is None:
        raise NotFound
    order = lock_order(session, out_trade_no or known_as)
    held = session.scalars(
        select(QuarantinedPayment).where(QuarantinedPayment.id == held_id).with_for_update()
    ).one()
    if held.resolved_at is not None:
        raise QuarantineResolved
    return held, order


def is_free_for(session: Session, order: Order, held: QuarantinedPayment) -> bool:
    """Whether the order still needs money and nobody else has this payment."""
    other = session.scalar(select(Order.id).where(Order.transaction_id == held.transaction_id))
    return (
        order.state not in HAS_MONEY
        and order.enrolment.fee_settled_at is None
        and other is None
        and held.source != "refund"
    )


def resolve(
    session: Session,
    ctx: Context,
    held: QuarantinedPayment,
    staff_id: uuid.UUID,
    resolution: str,
    note: str,
) -> None:
    """Write down who resolved it, how and why."""
    held.resolution = resolution
    held.resolved_at = ctx.now()
    held.resolved_by = staff_id
    held.resolution_note = note[:500]
    session.add(
        AuditEntry(
            institution_id=held.institution_id,
            at=ctx.now(),
            staff_id=staff_id,
            action=f"payment.quarantine_{resolution}",
            subject_kind="quarantined_payment",
            subject_id=str(held.id),
            detail={"amount_fen": held.amount_fen, "reason": held.reason},
        )
    )
