"""Held payments for finance: the list, and one with what may be done about it."""

from __future__ import annotations

import uuid
from dataclasses import dataclass

from sqlalchemy import func, select

from models import Order, PaymentNotice, QuarantinedPayment, Refund, Staff
from server.context import Context
from server.errors import NotFound
from server.services.money.hold import Reason, is_visible
from server.services.money.quarantine.resolve import Resolution, list_resolutions
from server.services.paging import Page, cut_page
from server.services.viewer import Viewer

PAGE_SIZE = 50
OPEN, RESOLVED = "open", "resolved"


def list_held(
    ctx: Context,
    viewer: Viewer,
    *,
    state: str = OPEN,
    reason: str = "",
    after: uuid.UUID | None = None,
) -> Page[QuarantinedPayment, uuid.UUID]:
    """Return one page of the payments in quarantine: the open ones, the resolved ones, or all.

    The count is that of the open ones.
    """
    held = QuarantinedPayment
    query = select(held).where(is_visible(viewer)).order_by(held.id.desc()).limit(PAGE_SIZE + 1)
    if state == OPEN:
        query = query.where(held.resolved_at.is_(None))
    elif state == RESOLVED:
        query = query.where(held.resolved_at.is_not(None))
    if reason in set(Reason):
        query = query.where(held.reason == reason)
    if after:
        query = query.where(held.id < after)
    with ctx.db.read() as session:
        rows = list(session.scalars(query))
        count = session.scalar(
            select(func.count())
            .select_from(held)
            .where(is_visible(viewer), held.resolved_at.is_(None))
        )
    return cut_page(rows, PAGE_SIZE, lambda row: row.id, after=after, count=count or 0)


@dataclass(frozen=True)
class HeldView:
    """One held payment, its order where there is one of this institution, and the way out."""

    held: QuarantinedPayment
    order: Order | None
    notice: PaymentNotice | None
    refunds: list[Refund]
    resolver: str
    resolutions: list[Resolution]


def view_held(ctx: Context, viewer: Viewer, held_id: uuid.UUID) -> HeldView:
    """Return a held payment that the viewer answers for; raises NotFound."""
    with ctx.db.read() as session:
        held = session.scalar(
            select(QuarantinedPayment).where(QuarantinedPayment.id == held_id, is_visible(viewer))
        )
        if held is None:
            raise NotFound
        order = session.get(Order, held.order_id) if held.order_id else None
        resolver = session.get(Staff, held.resolved_by) if held.resolved_by else None
        return HeldView(
            held=held,
            order=order,
            notice=session.get(PaymentNotice, held.notice_id) if held.notice_id else None,
            refunds=list(
                session.scalars(
                    select(Refund)
                    .where(Refund.quarantined_payment_id == held.id)
                    .order_by(Refund.id.desc())
                )
            ),
            resolver=resolver.shown_name if resolver else "",
            resolutions=[] if held.resolved_at else list_resolutions(session, viewer, order, held),
        )
