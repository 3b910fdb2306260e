"""A student asks for the fee back: asked once, due on a day, answered by finance.

Asking moves no money. What finance agrees to is a refund like any other.
"""

from __future__ import annotations

import datetime as dt
import uuid
from dataclasses import dataclass

from sqlalchemy import ColumnElement, or_, select
from sqlalchemy.orm import Session, joinedload

from models import (
    HAS_MONEY,
    CollectionStatus,
    Enrolment,
    Order,
    OrderState,
    RefundRequest,
    RefundRequestState,
)
from server.context import Context
from server.errors import CaijiError, NotFound
from server.gateways.clock import LOCAL_ZONE, to_local
from server.services.compliance.stored_faces import add_working_days
from server.services.money.lock import lock_order
from server.services.money.refunds.refund import REFUNDABLE

ANSWER_WITHIN_WORKING_DAYS = 7
WISH_LENGTH = 200
ORDER_WORDS = {
    OrderState.REFUNDING: "退款中",
    OrderState.REFUNDED: "已退款",
    OrderState.PARTLY_REFUNDED: "已部分退款",
}


class RefundNotPossible(CaijiError):
    """Nothing was paid, or the money is on its way back already."""

    code = "refund_not_possible"
    status = 409
    message = "这笔付款现在不能申请退款"


class RefundTooLate(CaijiError):
    """What was paid for is done: the photo is collected."""

    code = "refund_too_late"
    status = 409
    message = "照片已采集（锁定），费用不能在这里申请退款；有特殊情况请联系学校"


class RefundWishMissing(CaijiError):
    """Finance must know why, in a few words."""

    code = "refund_wish_missing"
    status = 422
    message = f"请写下退款的原因，不超过 {WISH_LENGTH} 个字"


@dataclass(frozen=True)
class RefundWish:
    """What a payer sees of a paid order: whether the fee can be asked back, and what became of it.

    Attributes:
        request: the newest one; ``reason`` and ``answer`` are its words.
        obstacle: why none can be made now; None where one can.
    """

    order: Order
    request: RefundRequest | None
    reason: str
    answer: str
    obstacle: CaijiError | None

    @property
    def label(self) -> str:
        """Where it stands, in Chinese; empty where nothing was asked and nothing went back."""
        if self.order.state in ORDER_WORDS:
            return ORDER_WORDS[self.order.state]
        return self.request.state.label if self.request else ""


def ask_for_refund(
    ctx: Context, *, user_id: uuid.UUID, out_trade_no: str, reason: str
) -> RefundWish:
    """Write down that a student wants the fee back; asking again while it waits is one request.

    Owns its transaction. Raises NotFound, RefundNotPossible, RefundTooLate, RefundWishMissing.
    """
    reason = " ".join(reason.split())
    with ctx.db.write() as session:
        find_own_order(session, user_id, out_trade_no)
        order = lock_order(session, out_trade_no)
        assert order is not None, "it was found a moment ago"
        if find_waiting(session, order) is not None:
            return _describe(ctx, session, find_own_order(session, user_id, out_trade_no))
        if (obstacle := _find_obstacle(order)) is not None:
            raise obstacle
        if not reason or len(reason) > WISH_LENGTH:
            raise RefundWishMissing
        now = ctx.now()
        row = RefundRequest(
            institution_id=order.institution_id,
            enrolment_id=order.enrolment_id,
            order_id=order.id,
            user_id=user_id,
            state=RefundRequestState.REQUESTED,
            asked_at=now,
            due_at=compute_due(now),
        )
        row.encrypt_reason(reason, ctx.cipher)
        session.add(row)
        session.flush()
        return _describe(ctx, session, find_own_order(session, user_id, out_trade_no))


def read_refund_wish(ctx: Context, *, user_id: uuid.UUID, out_trade_no: str) -> RefundWish:
    """Return how the refund of an own order stands; raises NotFound."""
    with ctx.db.read() as session:
        return _describe(ctx, session, find_own_order(session, user_id, out_trade_no))


def find_own_order(session: Session, user_id: uuid.UUID, out_trade_no: str) -> Order:
    """Return an order that the user paid, or that is of an enrolment bound now; raises NotFound."""
    order = session.scalar(
        select(Order)
        .join(Enrolment, Enrolment.id == Order.enrolment_id)
        .options(joinedload(Order.enrolment).joinedload(Enrolment.institution))
        .where(Order.out_trade_no == out_trade_no, _is_own(user_id))
        .execution_options(populate_existing=True)
    )
    if order is None:
        raise NotFound
    return order


def _is_own(user_id: uuid.UUID) -> ColumnElement[bool]:
    return or_(Order.user_id == user_id, Enrolment.wechat_user_id == user_id)


def find_waiting(session: Session, order: Order) -> RefundRequest | None:
    """Return the request of an order that finance has not answered."""
    return session.scalars(
        select(RefundRequest).where(
            RefundRequest.order_id == order.id,
            RefundRequest.state == RefundRequestState.REQUESTED,
        )
    ).one_or_none()


def compute_due(asked_at: dt.datetime) -> dt.datetime:
    """Return the end of the last working day on which an answer is in time."""
    day = add_working_days(to_local(asked_at).date(), ANSWER_WITHIN_WORKING_DAYS)
    return dt.datetime.combine(day, dt.time(23, 59, 59), LOCAL_ZONE)


def _find_obstacle(order: Order) -> CaijiError | None:
    if order.state not in REFUNDABLE:
        is_back = order.state in HAS_MONEY
        return RefundNotPossible("款项已退回或正在退回，不用再申请" if is_back else None)
    if order.enrolment.collection_status is CollectionStatus.COLLECTED:
        return RefundTooLate()
    return None


def _describe(ctx: Context, session: Session, order: Order) -> RefundWish:
    row = session.scalars(
        select(RefundRequest)
        .where(RefundRequest.order_id == order.id)
        .order_by(RefundRequest.asked_at.desc(), RefundRequest.id.desc())
        .limit(1)
    ).first()
    obstacle = _find_obstacle(order)
    if row is not None and row.state is RefundRequestState.REQUESTED:
        obstacle = RefundNotPossible("退款申请正在等待学校处理")
    return RefundWish(
        order=order,
        request=row,
        reason=row.decrypt_reason(ctx.cipher) if row else "",
        answer=row.decrypt_answer(ctx.cipher) if row else "",
        obstacle=obstacle,
    )
