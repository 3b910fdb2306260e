"""What finance does with refunds: ask for one, try it again, give it up, look at all of them."""

from __future__ import annotations

import uuid

from sqlalchemy import ColumnElement, select
from sqlalchemy.orm import Session

from models import Order, Refund, RefundRequestState, RefundState
from server.context import Context
from server.errors import CaijiError, NotFound
from server.gateways.pay import RefundStatus
from server.gateways.transport import GatewayError, time_budget
from server.services.audit import record_audit
from server.services.messages.tell_student import tell_refund_answer
from server.services.money.lock import lock_order
from server.services.money.refunds.ask import find_waiting
from server.services.money.refunds.book import UNFINISHED, reopen_after_closed_refund
from server.services.money.refunds.refund import (
    RefundRefused,
    clean_reason,
    find_running,
    load,
    start_order_refund,
    submit_refund,
)
from server.services.paging import Page, cut_page
from server.services.viewer import Viewer

PAGE_SIZE = 50
STAFF_WAITS_S = 8.0
TRYABLE = frozenset({*UNFINISHED, RefundState.ABNORMAL})


class RefundKnownToWechat(CaijiError):
    """WeChat has the refund, or does not answer: giving it up here could pay it twice."""

    code = "refund_known_to_wechat"
    status = 409
    message = "微信已受理这笔退款或暂时没有响应，不能放弃"


def request_refund(
    ctx: Context, viewer: Viewer, *, out_trade_no: str, reason: str, answer: str = ""
) -> Refund:
    """Ask for all that is left of a paid order to go back, and try at once.

    Asking again while a refund runs returns that refund. A student's request that waits for it is
    accepted, with ``answer`` for the student to read.

    Raises:
        NotFound, RefundRefused, RefundReasonMissing.
    """
    reason = clean_reason(reason)
    with ctx.db.write() as session:
        order = lock_order(session, out_trade_no)
        if order is None or order.institution_id != viewer.institution_id:
            raise NotFound
        refund = find_running(session, order)
        if refund is None:
            refund = start_order_refund(session, order, viewer.staff_id, reason, ctx.now())
            _record_refund(session, ctx, viewer, "payment.refund", refund)
        _accept_waiting(session, ctx, viewer, order, answer)
    return try_refund(ctx, refund.id)


def _accept_waiting(
    session: Session, ctx: Context, viewer: Viewer, order: Order, answer: str
) -> None:
    waiting = find_waiting(session, order)
    if waiting is not None:
        waiting.state = RefundRequestState.ACCEPTED
        waiting.decided_at, waiting.decided_by = ctx.now(), viewer.staff_id
        waiting.encrypt_answer(answer, ctx.cipher)
        tell_refund_answer(session, waiting, at=ctx.now())


def retry_refund(ctx: Context, viewer: Viewer, refund_id: uuid.UUID) -> Refund:
    """Try a refund again now, under its old number, or ask how it stands.

    Raises:
        NotFound.
        RefundRefused: it has ended.
    """
    with ctx.db.write() as session:
        refund = _lock_visible(session, viewer, refund_id)
        if refund.state not in TRYABLE:
            raise RefundRefused
        if refund.state is RefundState.ABNORMAL and refund.refund_id is None:
            refund.state = RefundState.REQUESTED
        _record_refund(session, ctx, viewer, "payment.refund_retry", refund)
    return try_refund(ctx, refund_id)


def cancel_refund(ctx: Context, viewer: Viewer, refund_id: uuid.UUID, reason: str) -> None:
    """Give up a refund that WeChat has refused: the order is paid, or the money held, as before.

    Raises:
        NotFound, RefundReasonMissing.
        RefundRefused: it is not one that WeChat refused.
        RefundKnownToWechat: WeChat has it after all, or cannot be asked.
    """
    reason = clean_reason(reason)
    with ctx.db.read() as session:
        refund = _find_visible(session, viewer, refund_id)
    _require_unknown_to_wechat(ctx, refund.out_refund_no)
    with ctx.db.write() as session:
        order = lock_order(session, refund.out_trade_no)
        refund = _lock_visible(session, viewer, refund_id)
        if refund.state is not RefundState.ABNORMAL or refund.refund_id is not None:
            raise RefundRefused
        is_order_of_refund = order is not None and order.id == refund.order_id
        reopen_after_closed_refund(
            session, refund, order if is_order_of_refund else None, ctx.now()
        )
        _record_refund(session, ctx, viewer, "payment.refund_cancel", refund, note=reason)


def _require_unknown_to_wechat(ctx: Context, out_refund_no: str) -> None:
    """Raise RefundKnownToWechat unless WeChat says that it never had this refund."""
    try:
        with time_budget(STAFF_WAITS_S):
            status = ctx.pay.query_refund(out_refund_no).status
    except GatewayError:
        raise RefundKnownToWechat from None
    if status is not RefundStatus.NOT_FOUND:
        raise RefundKnownToWechat


def try_refund(ctx: Context, refund_id: uuid.UUID) -> Refund:
    """Tell WeChat within the time that a page may take, and return how the refund stands."""
    with time_budget(STAFF_WAITS_S):
        submit_refund(ctx, refund_id)
    return load(ctx, refund_id)


def list_refunds(
    ctx: Context, viewer: Viewer, *, state: str = "", after: uuid.UUID | None = None
) -> Page[Refund, uuid.UUID]:
    """Return one page of the refunds that the viewer answers for."""
    query = select(Refund).where(is_mine(viewer)).order_by(Refund.id.desc()).limit(PAGE_SIZE + 1)
    if state in set(RefundState):
        query = query.where(Refund.state == RefundState(state))
    if after:
        query = query.where(Refund.id < after)
    with ctx.db.read() as session:
        rows = list(session.scalars(query))
    return cut_page(rows, PAGE_SIZE, lambda refund: refund.id, after=after)


def is_mine(viewer: Viewer) -> ColumnElement[bool]:
    """Return the condition of the viewer's refunds; nobody's money is everybody's."""
    return (Refund.institution_id == viewer.institution_id) | Refund.institution_id.is_(None)


def _find_visible(session: Session, viewer: Viewer, refund_id: uuid.UUID) -> Refund:
    """Return a refund that the viewer answers for; raises NotFound."""
    found = session.scalar(select(Refund).where(Refund.id == refund_id, is_mine(viewer)))
    if found is None:
        raise NotFound
    return found


def _lock_visible(session: Session, viewer: Viewer, refund_id: uuid.UUID) -> Refund:
    """Return it locked until the transaction ends; raises NotFound."""
    found = session.scalar(
        select(Refund).where(Refund.id == refund_id, is_mine(viewer)).with_for_update()
    )
    if found is None:
        raise NotFound
    return found


def _record_refund(
    session: Session, ctx: Context, viewer: Viewer, action: str, refund: Refund, note: str = ""
) -> None:
    """Write who did what to which refund."""
    record_audit(
        session,
        viewer,
        action,
        at=ctx.now(),
        subject_kind="refund",
        subject_id=refund.out_refund_no,
        amount_fen=refund.amount_fen,
        reason=note or refund.reason,
    )
