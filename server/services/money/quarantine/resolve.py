"""What finance can do with money in quarantine: give it back, accept it, link it, or dismiss it."""

from __future__ import annotations

import enum
import re
import uuid

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from models import Order, OrderState, QuarantinedPayment, Refund
from server.context import Context
from server.errors import CaijiError, NotFound
from server.services.audit import record_audit
from server.services.money.fee import settle_fee
from server.services.money.hold import FOREIGN_ACCOUNT, Reason, is_visible
from server.services.money.lock import lock_order
from server.services.money.numbers import SHAPE
from server.services.money.refunds.manage import try_refund
from server.services.money.refunds.refund import start_quarantine_refund
from server.services.viewer import Viewer

NOTE_LENGTH = 500


class Resolution(enum.StrEnum):
    """How a held payment ends."""

    REFUND = "refund"
    ACCEPT = "accept"
    LINK = "link"
    DISMISS = "dismiss"

    @property
    def label(self) -> str:
        """The Chinese words shown to finance."""
        return {
            "refund": "退款",
            "accept": "入账",
            "link": "关联到其他订单",
            "dismiss": "说明后结案",
        }[self.value]


class QuarantineResolved(CaijiError):
    """Somebody was faster."""

    code = "quarantine_resolved"
    status = 409
    message = "这笔款项已经处理过"


class QuarantineNotAcceptable(CaijiError):
    """The order cannot take this payment, or the money is not ours to give back."""

    code = "quarantine_not_acceptable"
    status = 409
    message = "不能这样处理：订单不存在、已缴清或金额不同，或款项不在本商户"


class QuarantineUnexplained(CaijiError):
    """Finance must be able to explain every fen."""

    code = "quarantine_unexplained"
    status = 422
    message = "请填写说明"


def refund_quarantined(ctx: Context, viewer: Viewer, held_id: uuid.UUID, *, note: str) -> Refund:
    """Give the money back. Raises NotFound and the errors of this module."""
    note = _clean_note(note)
    with ctx.db.write() as session:
        held, order = _lock_held(session, viewer, held_id)
        if not is_refundable(order, held):
            raise QuarantineNotAcceptable
        refund = start_quarantine_refund(session, held, viewer.staff_id, note, ctx.now())
        if order is not None and order.state is OrderState.QUARANTINED:
            order.state = OrderState.REFUNDING
        resolve(session, ctx, viewer, held, Resolution.REFUND, note)
    return try_refund(ctx, refund.id)


def accept_quarantined(
    ctx: Context,
    viewer: Viewer,
    held_id: uuid.UUID,
    *,
    note: str,
    out_trade_no: str | None = None,
) -> None:
    """Let the payment settle its own order, or the one named by `out_trade_no` (a link).

    Raises:
        NotFound and the errors of this module.
    """
    note = _clean_note(note)
    with ctx.db.write() as session:
        held, order = _lock_held(session, viewer, held_id, out_trade_no)
        if order is None or not _is_acceptable(session, viewer, order, held):
            raise QuarantineNotAcceptable
        order.state = OrderState.PAID
        order.transaction_id = held.transaction_id
        order.paid_at = held.paid_at or held.created_at
        order.settled_at = ctx.now()
        order.settled_by = "finance"
        order.next_query_at = None
        settle_fee(session, order.enrolment, ctx.now())
        kind = Resolution.LINK if out_trade_no else Resolution.ACCEPT
        resolve(session, ctx, viewer, held, kind, note)
        session.flush()
        _release_own_order(session, ctx, held, paid=order)


def dismiss_quarantined(ctx: Context, viewer: Viewer, held_id: uuid.UUID, *, note: str) -> None:
    """Close the case with an explanation; no money moves. Its order waits for nothing any more.

    Raises:
        NotFound and the errors of this module.
    """
    note = _clean_note(note)
    with ctx.db.write() as session:
        held, order = _lock_held(session, viewer, held_id)
        resolve(session, ctx, viewer, held, Resolution.DISMISS, note)
        session.flush()
        if order is not None and order.state is OrderState.QUARANTINED:
            _release_order(session, ctx, order, held)


def _release_own_order(
    session: Session, ctx: Context, held: QuarantinedPayment, *, paid: Order
) -> None:
    """Let the order go for which the money was held, once it has settled another one."""
    if held.order_id is None or held.order_id == paid.id:
        return
    own = lock_order(session, held.out_trade_no)
    if own is not None and own.state is OrderState.QUARANTINED:
        _release_order(session, ctx, own, held)


def _release_order(session: Session, ctx: Context, order: Order, held: QuarantinedPayment) -> None:
    """Let an order go whose last held payment was dismissed, so that the student can pay anew."""
    others = session.scalar(
        select(func.count())
        .select_from(QuarantinedPayment)
        .where(QuarantinedPayment.order_id == order.id, QuarantinedPayment.resolved_at.is_(None))
    )
    if others:
        return
    is_gone = held.reason == Reason.REFUNDED_ELSEWHERE
    order.state = OrderState.REFUNDED if is_gone else OrderState.CLOSED
    order.closed_at = order.closed_at or ctx.now()
    order.next_query_at = None


def _clean_note(note: str) -> str:
    """Return the explanation in one line; raises QuarantineUnexplained."""
    cleaned = " ".join(note.split())[:NOTE_LENGTH]
    if not cleaned:
        raise QuarantineUnexplained
    return cleaned


def _lock_held(
    session: Session, viewer: Viewer, held_id: uuid.UUID, out_trade_no: str | None = None
) -> tuple[QuarantinedPayment, Order | None]:
    """Return the locked, unresolved row and the locked order that it is about."""
    mine = (QuarantinedPayment.id == held_id) & is_visible(viewer)
    known_as = session.scalar(select(QuarantinedPayment.out_trade_no).where(mine))
    if known_as is None:
        raise NotFound
    order = lock_order(session, out_trade_no or known_as)
    held = session.scalars(select(QuarantinedPayment).where(mine).with_for_update()).one()
    if held.resolved_at is not None:
        raise QuarantineResolved
    return held, order


def list_resolutions(
    session: Session, viewer: Viewer, order: Order | None, held: QuarantinedPayment
) -> list[Resolution]:
    """Return what finance may do with an unresolved row; ``order`` is its own."""
    possible = []
    if is_refundable(order, held):
        possible.append(Resolution.REFUND)
    if order is not None and _is_acceptable(session, viewer, order, held):
        possible.append(Resolution.ACCEPT)
    if _is_money_here(held):
        possible.append(Resolution.LINK)
    return [*possible, Resolution.DISMISS]


def _is_money_here(held: QuarantinedPayment) -> bool:
    """Whether the row is a payment of a known amount that lies on our merchant account."""
    is_gone = held.reason in FOREIGN_ACCOUNT or held.reason == Reason.REFUNDED_ELSEWHERE
    return held.source != "refund" and held.amount_fen > 0 and not is_gone


def is_refundable(order: Order | None, held: QuarantinedPayment) -> bool:
    """Whether giving it back is ours to do; what has settled its order is refunded there."""
    has_settled = order is not None and order.transaction_id == held.transaction_id
    return _is_money_here(held) and not has_settled and is_known(order, held)


def is_known(order: Order | None, held: QuarantinedPayment) -> bool:
    """Whether the money can be ours at all: a canteen's is not given back from here."""
    return order is not None or re.fullmatch(r"[A-Z]{2,4}" + SHAPE, held.out_trade_no) is not None


def _is_acceptable(
    session: Session, viewer: Viewer, order: Order, held: QuarantinedPayment
) -> bool:
    """Whether the order still needs exactly this money and nobody else has this payment."""
    other = session.scalar(select(Order.id).where(Order.transaction_id == held.transaction_id))
    return (
        _is_money_here(held)
        and order.institution_id == viewer.institution_id
        and order.state in {OrderState.OPEN, OrderState.CLOSED, OrderState.QUARANTINED}
        and order.enrolment.fee_settled_at is None
        and order.amount_fen == held.amount_fen
        and held.reason != Reason.WRONG_CURRENCY
        and other is None
    )


def resolve(
    session: Session,
    ctx: Context,
    viewer: Viewer,
    held: QuarantinedPayment,
    resolution: Resolution,
    note: str,
) -> None:
    """Write down who resolved it, how and why."""
    held.resolution = resolution
    held.resolved_at = ctx.now()
    held.resolved_by = viewer.staff_id
    held.resolution_note = note
    record_audit(
        session,
        viewer,
        f"payment.quarantine_{resolution}",
        at=ctx.now(),
        subject_kind="quarantined_payment",
        subject_id=held.id,
        amount_fen=held.amount_fen,
        reason=held.reason,
    )
