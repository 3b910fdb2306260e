"""Orders for finance: the list with its filters, and one order with all that happened to it."""

from __future__ import annotations

import datetime as dt
import uuid
from dataclasses import dataclass

from sqlalchemy import ColumnElement, select
from sqlalchemy.orm import Session, joinedload

from models import (
    Enrolment,
    Order,
    OrderState,
    PaymentNotice,
    QuarantinedPayment,
    ReconciliationDifference,
    Refund,
)
from server.context import Context
from server.errors import NotFound
from server.gateways.clock import LOCAL_ZONE
from server.services.staff_viewer import Viewer

PAGE_SIZE = 50
NOTICES_SHOWN = 50


@dataclass(frozen=True)
class OrderFilter:
    """What the list shows. An empty value filters nothing.

    ``number`` is the beginning of an out_trade_no or a whole transaction_id, ``student_no`` the
    beginning of a 学号, ``first`` and ``last`` the local days on which orders were opened.
    ``after`` and ``before`` are ids, which sort by creation: the keyset.
    """

    state: str = ""
    number: str = ""
    student_no: str = ""
    first: dt.date | None = None
    last: dt.date | None = None
    after: uuid.UUID | None = None
    before: uuid.UUID | None = None


@dataclass(frozen=True)
class OrderPage:
    """One page, newest first, and where its neighbours begin, or None."""

    rows: list[Order]
    before: uuid.UUID | None
    after: uuid.UUID | None


def list_orders(ctx: Context, viewer: Viewer, wanted: OrderFilter) -> OrderPage:
    """Return one page of the institution's orders with their enrolments."""
    query = (
        select(Order)
        .join(Order.enrolment)
        .options(joinedload(Order.enrolment))
        .where(Order.institution_id == viewer.institution_id, *list_conditions(wanted))
        .limit(PAGE_SIZE + 1)
    )
    if wanted.before:
        query = query.where(Order.id > wanted.before).order_by(Order.id)
    elif wanted.after:
        query = query.where(Order.id < wanted.after).order_by(Order.id.desc())
    else:
        query = query.order_by(Order.id.desc())
    with ctx.db.read() as session:
        return cut_page(list(session.scalars(query)), wanted)


def list_conditions(wanted: OrderFilter) -> list[ColumnElement[bool]]:
    """Return the WHERE of a filter."""
    conditions: list[ColumnElement[bool]] = []
    if wanted.state in set(OrderState):
        conditions.append(Order.state == OrderState(wanted.state))
    if wanted.number:
        starts = Order.out_trade_no.startswith(wanted.number, autoescape=True)
        conditions.append(starts | (Order.transaction_id == wanted.number))
    if wanted.student_no:
        conditions.append(Enrolment.student_no.startswith(wanted.student_no, autoescape=True))
    if wanted.first:
        conditions.append(Order.created_at >= start_of(wanted.first))
    if wanted.last:
        conditions.append(Order.created_at < start_of(wanted.last + dt.timedelta(days=1)))
    return conditions


def start_of(day: dt.date) -> dt.datetime:
    """Return the first moment of a local day."""
    return dt.datetime.combine(day, dt.time(), LOCAL_ZONE)


def cut_page(rows: list[Order], wanted: OrderFilter) -> OrderPage:
    """Keep one page of what was read, newest first, and name its neighbours."""
    has_more = len(rows) > PAGE_SIZE
    rows = rows[:PAGE_SIZE]
    if wanted.before:
        rows.reverse()
    has_before = has_more if wanted.before else wanted.after is not None
    has_after = wanted.before is not None or has_more
    return OrderPage(
        rows,
        before=rows[0].id if rows and has_before else None,
        after=rows[-1].id if rows and has_after else None,
    )


@dataclass(frozen=True)
class OrderView:
    """One order and everything known about it, each list newest first."""

    order: Order
    notices: list[PaymentNotice]
    refunds: list[Refund]
    held: list[QuarantinedPayment]
    differences: list[ReconciliationDifference]

    @property
    def is_refundable(self) -> bool:
        """Whether a whole refund can be asked for now."""
        return self.order.state is OrderState.PAID


def view_order(ctx: Context, viewer: Viewer, out_trade_no: str) -> OrderView:
    """Return an order of the viewer's institution; raises NotFound for every other."""
    with ctx.db.read() as session:
        order = find_order(session, viewer, out_trade_no)
        return OrderView(
            order=order,
            notices=list(
                session.scalars(
                    select(PaymentNotice)
                    .where(PaymentNotice.out_trade_no == out_trade_no)
                    .order_by(PaymentNotice.received_at.desc())
                    .limit(NOTICES_SHOWN)
                )
            ),
            refunds=list(
                session.scalars(
                    select(Refund).where(Refund.order_id == order.id).order_by(Refund.id.desc())
                )
            ),
            held=list(
                session.scalars(
                    select(QuarantinedPayment)
                    .where(QuarantinedPayment.out_trade_no == out_trade_no)
                    .order_by(QuarantinedPayment.created_at.desc())
                )
            ),
            differences=list(
                session.scalars(
                    select(ReconciliationDifference)
                    .where(ReconciliationDifference.out_trade_no == out_trade_no)
                    .order_by(ReconciliationDifference.bill_date.desc())
                )
            ),
        )


def find_order(session: Session, viewer: Viewer, out_trade_no: str) -> Order:
    """Return an order of the viewer's institution with its enrolment; raises NotFound."""
    order = session.scalar(
        select(Order)
        .options(joinedload(Order.enrolment))
        .where(Order.out_trade_no == out_trade_no, Order.institution_id == viewer.institution_id)
    )
    if order is None:
        raise NotFound
    return order
