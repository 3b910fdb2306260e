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
from server.gateways.clock import find_day_start
from server.services.money.refunds.book import sum_refunded_fen
from server.services.money.refunds.refund import REFUNDABLE
from server.services.paging import Page, cut_page
from server.services.viewer import Viewer

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


def list_orders(ctx: Context, viewer: Viewer, wanted: OrderFilter) -> Page[Order, uuid.UUID]:
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
        rows = list(session.scalars(query))
    return cut_page(
        rows, PAGE_SIZE, lambda order: order.id, before=wanted.before, after=wanted.after
    )


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
        conditions.append(Order.created_at >= _start_of(wanted.first))
    if wanted.last:
        conditions.append(Order.created_at < _start_of(wanted.last + dt.timedelta(days=1)))
    return conditions


def _start_of(day: dt.date) -> dt.datetime:
    """Return the first moment of a local day."""
    return find_day_start(day)


@dataclass(frozen=True)
class OrderView:
    """One order and everything known about it, each list newest first."""

    order: Order
    notices: list[PaymentNotice]
    refunds: list[Refund]
    held: list[QuarantinedPayment]
    differences: list[ReconciliationDifference]
    left_fen: int
    """What a refund would give back."""

    @property
    def is_refundable(self) -> bool:
        """Whether a whole refund can be asked for now."""
        return self.order.state in REFUNDABLE


def view_order(ctx: Context, viewer: Viewer, out_trade_no: str) -> OrderView:
    """Return an order of the viewer's institution; raises NotFound for every other."""
    with ctx.db.read() as session:
        order = find_order(session, viewer, out_trade_no)
        return OrderView(
            order=order,
            left_fen=order.amount_fen - sum_refunded_fen(session, order),
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
