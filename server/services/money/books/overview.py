"""What finance sees first: what waits for a decision, the sums of a list, and whose money it is."""

from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import Iterable
from dataclasses import dataclass

from sqlalchemy import case, func, select

from models import (
    HAS_MONEY,
    Enrolment,
    Order,
    QuarantinedPayment,
    ReconciliationDifference,
    Refund,
    RefundState,
)
from server.context import Context
from server.services.money.books import explain_differences
from server.services.money.books.due_days import list_due_days
from server.services.money.hold import is_visible
from server.services.money.orders.list_orders import OrderFilter, list_conditions
from server.services.money.refunds.answer import count_refund_requests
from server.services.money.refunds.manage import is_mine
from server.services.viewer import Viewer


@dataclass(frozen=True)
class Todos:
    """How many things wait for finance, each with its sum in fen where money is meant."""

    held: int
    held_fen: int
    abnormal_refunds: int
    refund_requests: int
    """Students who asked for the fee back and wait for an answer."""
    differences: int
    due_days: list[dt.date]
    """Days whose bill is out and not compared, the oldest first."""

    @property
    def is_empty(self) -> bool:
        """Whether nothing waits."""
        return not (
            self.held
            or self.abnormal_refunds
            or self.refund_requests
            or self.differences
            or self.due_days
        )


@dataclass(frozen=True)
class Totals:
    """How many rows a list has in all, and the money in them, in fen."""

    count: int
    amount_fen: int


@dataclass(frozen=True)
class Payer:
    """The student of an order."""

    enrolment_id: uuid.UUID
    student_no: str
    name: str


def read_todos(ctx: Context, viewer: Viewer) -> Todos:
    """Return what waits for finance."""
    held, difference = QuarantinedPayment, ReconciliationDifference
    with ctx.db.read() as session:
        held_count, held_fen = session.execute(
            select(func.count(), func.coalesce(func.sum(held.amount_fen), 0)).where(
                is_visible(viewer), held.resolved_at.is_(None)
            )
        ).one()
        abnormal = session.scalar(
            select(func.count())
            .select_from(Refund)
            .where(is_mine(viewer), Refund.state == RefundState.ABNORMAL)
        )
        differences = session.scalar(
            select(func.count())
            .select_from(difference)
            .where(explain_differences.is_mine(viewer), difference.resolved_at.is_(None))
        )
        # A college that has not opened an order has no bill to wait for.
        has_orders = session.scalar(select(Order.id).limit(1)) is not None
        days = list_due_days(session, ctx.now()) if has_orders else []
        asked = count_refund_requests(session, viewer)
    return Todos(held_count, int(held_fen), abnormal or 0, asked, differences or 0, days)


def total_orders(ctx: Context, viewer: Viewer, wanted: OrderFilter) -> Totals:
    """Return the orders that a filter finds, and what was paid for them."""
    paid_fen = case((Order.state.in_(HAS_MONEY), Order.amount_fen), else_=0)
    with ctx.db.read() as session:
        count, amount_fen = session.execute(
            select(func.count(), func.coalesce(func.sum(paid_fen), 0))
            .select_from(Order)
            .join(Enrolment, Enrolment.id == Order.enrolment_id)
            .where(Order.institution_id == viewer.institution_id, *list_conditions(wanted))
        ).one()
    return Totals(count, int(amount_fen))


def total_refunds(ctx: Context, viewer: Viewer, state: str) -> Totals:
    """Return the refunds in a state, or all, and what has gone back by them."""
    back_fen = case((Refund.state == RefundState.SUCCESS, Refund.amount_fen), else_=0)
    query = select(func.count(), func.coalesce(func.sum(back_fen), 0)).where(is_mine(viewer))
    if state in set(RefundState):
        query = query.where(Refund.state == RefundState(state))
    with ctx.db.read() as session:
        count, amount_fen = session.execute(query).one()
    return Totals(count, int(amount_fen))


def find_payers(
    ctx: Context, viewer: Viewer, order_ids: Iterable[uuid.UUID | None]
) -> dict[uuid.UUID, Payer]:
    """Return the students of orders of the viewer's institution, by order."""
    wanted = {order_id for order_id in order_ids if order_id is not None}
    with ctx.db.read() as session:
        rows = session.execute(
            select(Order.id, Enrolment.id, Enrolment.student_no, Enrolment.name)
            .join(Enrolment, Enrolment.id == Order.enrolment_id)
            .where(Order.id.in_(wanted), Order.institution_id == viewer.institution_id)
        )
        return {row[0]: Payer(row[1], row[2], row[3]) for row in rows}
