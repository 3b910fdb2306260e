"""Finance answers a student who asked for the fee back: agreed and refunded, or refused."""

from __future__ import annotations

import datetime as dt
import uuid
from dataclasses import dataclass

from sqlalchemy import Select, func, select
from sqlalchemy.orm import Session

from models import Enrolment, Order, Refund, RefundRequest, RefundRequestState
from server.context import Context
from server.errors import CaijiError, NotFound
from server.services.audit import record_audit
from server.services.messages.tell_student import tell_refund_answer
from server.services.money.lock import lock_order
from server.services.money.refunds.manage import request_refund
from server.services.viewer import Viewer

ANSWER_LENGTH = 200
MIN_ANSWER_LENGTH = 4
LISTED = 200
REASON = "学生申请退款，学校同意"
"""What the payer reads at WeChat: the student's own words stay here."""


class RefundRequestAnswered(CaijiError):
    """Somebody was faster."""

    code = "refund_request_answered"
    status = 409
    message = "这个退款申请已经处理过"


class RefundAnswerMissing(CaijiError):
    """A refusal needs a reason that the student understands."""

    code = "refund_answer_missing"
    status = 422
    message = f"请写明理由，学生会看到（{MIN_ANSWER_LENGTH} 到 {ANSWER_LENGTH} 个字）"


@dataclass(frozen=True)
class RefundRequestView:
    """One request in clear, with its order and student."""

    row: RefundRequest
    order: Order
    enrolment: Enrolment
    reason: str
    answer: str

    def is_overdue(self, now: dt.datetime) -> bool:
        """Tell whether the day to answer has passed."""
        return self.row.state is RefundRequestState.REQUESTED and self.row.due_at < now


def list_refund_requests(
    ctx: Context, viewer: Viewer, *, is_answered: bool = False
) -> list[RefundRequestView]:
    """Return who waits for an answer, the most urgent first, or who had one, the newest first."""
    is_waiting = RefundRequest.state == RefundRequestState.REQUESTED
    order = RefundRequest.decided_at.desc() if is_answered else RefundRequest.due_at
    query = (
        _select(viewer)
        .where(~is_waiting if is_answered else is_waiting)
        .order_by(order, RefundRequest.id)
        .limit(LISTED)
    )
    with ctx.db.read() as session:
        return [_reveal(ctx, *row) for row in session.execute(query)]


def view_refund_request(ctx: Context, viewer: Viewer, request_id: uuid.UUID) -> RefundRequestView:
    """Return one request of the viewer's institution; raises NotFound."""
    with ctx.db.read() as session:
        found = session.execute(_select(viewer).where(RefundRequest.id == request_id)).first()
        if found is None:
            raise NotFound
        return _reveal(ctx, *found)


def count_refund_requests(session: Session, viewer: Viewer) -> int:
    """Return how many wait for an answer."""
    query = select(func.count()).where(
        RefundRequest.institution_id == viewer.institution_id,
        RefundRequest.state == RefundRequestState.REQUESTED,
    )
    return session.scalar(query) or 0


def accept_refund_request(
    ctx: Context, viewer: Viewer, request_id: uuid.UUID, answer: str = ""
) -> Refund:
    """Agree: all that is left of the order goes back, and the student is told.

    Raises:
        NotFound, RefundRequestAnswered, RefundRefused.
    """
    view = view_refund_request(ctx, viewer, request_id)
    if view.row.state is not RefundRequestState.REQUESTED:
        raise RefundRequestAnswered
    return request_refund(
        ctx,
        viewer,
        out_trade_no=view.order.out_trade_no,
        reason=REASON,
        answer=answer.strip()[:ANSWER_LENGTH],
    )


def refuse_refund_request(ctx: Context, viewer: Viewer, request_id: uuid.UUID, answer: str) -> None:
    """Refuse with a reason, and tell the student. Owns its transaction.

    Raises:
        NotFound, RefundRequestAnswered, RefundAnswerMissing.
    """
    answer = answer.strip()
    view = view_refund_request(ctx, viewer, request_id)
    with ctx.db.write() as session:
        lock_order(session, view.order.out_trade_no)
        row = session.get_one(RefundRequest, request_id, populate_existing=True)
        if row.state is not RefundRequestState.REQUESTED:
            raise RefundRequestAnswered
        if not MIN_ANSWER_LENGTH <= len(answer) <= ANSWER_LENGTH:
            raise RefundAnswerMissing
        row.state = RefundRequestState.REFUSED
        row.decided_at, row.decided_by = ctx.now(), viewer.staff_id
        row.encrypt_answer(answer, ctx.cipher)
        record_audit(
            session,
            viewer,
            "payment.refund_decline",
            at=ctx.now(),
            subject_kind="order",
            subject_id=row.order_id,
            商户订单号=view.order.out_trade_no,
        )
        tell_refund_answer(session, row, at=ctx.now())


def _select(viewer: Viewer) -> Select[RefundRequest, Order, Enrolment]:
    return (
        select(RefundRequest, Order, Enrolment)
        .join(Order, Order.id == RefundRequest.order_id)
        .join(Enrolment, Enrolment.id == RefundRequest.enrolment_id)
        .where(RefundRequest.institution_id == viewer.institution_id)
    )


def _reveal(
    ctx: Context, row: RefundRequest, order: Order, enrolment: Enrolment
) -> RefundRequestView:
    reason, answer = row.decrypt_reason(ctx.cipher), row.decrypt_answer(ctx.cipher)
    return RefundRequestView(row, order, enrolment, reason, answer)
