"""What finance does with refunds: ask for one, try it again, give it up, look at all of them."""

from __future__ import annotations

import uuid
from dataclasses import dataclass

from sqlalchemy import ColumnElement, select
from sqlalchemy.orm import Session

from models import Refund, RefundState
from server.context import Context
from server.errors import CaijiError, NotFound
from server.gateways.pay import RefundStatus
from server.gateways.transport import GatewayError, time_budget
from server.services.audit import record_audit
from server.services.refund_order import (
    UNFINISHED,
    RefundRefused,
    clean_reason,
    find_running,
    load,
    reopen_after_closed_refund,
    start_order_refund,
    submit_refund,
)
from server.services.settle_payment import lock_order
from server.services.staff_viewer import Viewer

PAGE_SIZE = 50
STAFF_WAITS_S = 8.0
TRYABLE = frozenset({*UNFINISHED, RefundState.ABNORMAL})


class RefundKnownToWechat(CaijiError):
    """WeChat has the refund, or does not answer: giving it up here could pay it twice."""

    code = "refund_known_to_wechat"
    status = 409
    message = "微信已受理这笔退款或暂时没有响应,不能放弃"


def request_refund(ctx: Context, viewer: Viewer, *, out_trade_no: str, reason: str) -> Refund:
    """Ask for the whole amount of a paid order to go back, and try at once.

    Asking again while a refund runs returns that refund.

    Raises:
        NotFound, RefundRefused, RefundReasonMissing.
    """
    reason = clean_reason(reason)
    with ctx.db.write() as session:
        order = lock_order(session, out_trade_no)
        if order is None or order.institution_id != viewer.institution_id:
            raise NotFound
        refund = find_running(session, order_id=order.id)
        if refund is None:
            refund = start_order_refund(session, order, viewer.staff_id, reason, ctx.now())
            record_refund(session, ctx, viewer, "payment.refund", refund)
    return try_refund(ctx, refund.id)


def retry_refund(ctx: Context, viewer: Viewer, refund_id: uuid.UUID) -> Refund:
    """Try a refund again now, under its old number, or ask how it stands.

    Raises:
        NotFound.
        RefundRefused: it has ended.
    """
    with ctx.db.write() as session:
        refund = lock_visible(session, viewer, refund_id)
        if refund.state not in TRYABLE:
            raise RefundRefused
        if refund.state is RefundState.ABNORMAL and refund.refund_id is None:
            refund.state = RefundState.REQUESTED
        record_refund(session, ctx, viewer, "payment.refund_retry", refund)
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
        refund = find_visible(session, viewer, refund_id)
    require_unknown_to_wechat(ctx, refund.out_refund_no)
    with ctx.db.write() as session:
        order = lock_order(session, refund.out_trade_no)
        refund = lock_visible(session, viewer, refund_id)
        if refund.state is not RefundState.ABNORMAL or refund.refund_id is not None:
            raise RefundRefused
        is_order_of_refund = order is not None and order.id == refund.order_id
        reopen_after_closed_refund(
            session, refund, order if is_order_of_refund else None, ctx.now()
        )
        record_refund(session, ctx, viewer, "payment.refund_cancel", refund, note=reason)


def require_unknown_to_wechat(ctx: Context, out_refund_no: str) -> None:
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


@dataclass(frozen=True)
class RefundPage:
    """One page, newest first. ``after`` is where the next one begins, or None."""

    rows: list[Refund]
    after: uuid.UUID | None


def list_refunds(
    ctx: Context, viewer: Viewer, *, state: str = "", after: uuid.UUID | None = None
) -> RefundPage:
    """Return one page of the refunds that the viewer answers for."""
    query = select(Refund).where(is_mine(viewer)).order_by(Refund.id.desc()).limit(PAGE_SIZE + 1)
    if state in set(RefundState):
        query = query.where(Refund.state == RefundState(state))
    if after:
        query = query.where(Refund.id < after)
    with ctx.db.read() as session:
        rows = list(session.scalars(query))
    return RefundPage(rows[:PAGE_SIZE], rows[PAGE_SIZE - 1].id if len(rows) > PAGE_SIZE else None)


def is_mine(viewer: Viewer) -> ColumnElement[bool]:
    """Return the condition of the viewer's refunds; nobody's money is everybody's."""
    return (Refund.institution_id == viewer.institution_id) | Refund.institution_id.is_(None)


def find_visible(session: Session, viewer: Viewer, refund_id: uuid.UUID) -> Refund:
    """Return a refund that the viewer answers for; raises NotFound."""
    found = session.scalar(select(Refund).where(Refund.id == refund_id, is_mine(viewer)))
    if found is None:
        raise NotFound
    return found


def lock_visible(session: Session, viewer: Viewer, refund_id: uuid.UUID) -> Refund:
    """Return it locked until the transaction ends; raises NotFound."""
    found = session.scalar(
        select(Refund).where(Refund.id == refund_id, is_mine(viewer)).with_for_update()
    )
    if found is None:
        raise NotFound
    return found


def record_refund(
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
