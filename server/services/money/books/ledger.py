"""The accountants' file: every payment, refund, held payment and difference of a span of days."""

from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import Iterator
from decimal import Decimal
from itertools import chain

from sqlalchemy import ColumnElement, case, func, select
from sqlalchemy.orm import InstrumentedAttribute

from models import (
    Enrolment,
    FeeWaiver,
    Order,
    QuarantinedPayment,
    ReconciliationDifference,
    Refund,
    RefundState,
)
from server.context import Context
from server.gateways.clock import find_day_start, to_local
from server.services.audit import record_audit
from server.services.csv_lines import Row, write_line
from server.services.money.amounts import format_yuan
from server.services.money.books.differences import KIND_LABELS
from server.services.money.hold import Reason
from server.services.money.quarantine.resolve import Resolution
from server.services.money.refunds.book import UNTOLD
from server.services.viewer import Viewer
from server.services.xlsx import Cell, XlsxWriter

AMOUNT_TITLE = "金额(元)"
HEADER = ("时间", "类型", "学号", "姓名", "商户订单号", "微信单号", AMOUNT_TITLE, "状态", "说明")
SETTLED_BY_LABELS = {
    "callback": "微信通知",
    "query": "查询入账",
    "bill": "对账补记",
    "finance": "财务确认",
}


def write_ledger_csv(
    ctx: Context, institution_id: uuid.UUID | None, first: dt.date, last: dt.date
) -> Iterator[str]:
    """Yield the lines of the file for `first` to `last`, both included, Asia/Shanghai.

    It starts with a byte order mark, so that Excel reads the Chinese. `institution_id` None means
    all colleges.
    """
    yield "\ufeff" + write_line(HEADER)
    for row in list_rows(ctx, institution_id, first, last):
        yield write_line(row)


def write_ledger_xlsx(
    ctx: Context, institution_id: uuid.UUID | None, first: dt.date, last: dt.date
) -> Iterator[bytes]:
    """Yield the same as a workbook.

    Every cell is text, numbers of 27 digits as well as names that begin with ``=``; the amount
    alone is a number, so that it can be added up.
    """
    book = XlsxWriter()
    rows = list_rows(ctx, institution_id, first, last)
    book.write_sheet("收款明细", chain([HEADER], map(_make_cells, rows)))
    yield book.finish()


def _make_cells(row: Row) -> list[Cell]:
    """Return the cells of a line, its amount as a number."""
    place = HEADER.index(AMOUNT_TITLE)
    amount = Decimal(row[place]) if row[place] else ""
    return [*row[:place], amount, *row[place + 1 :]]


def list_rows(
    ctx: Context, institution_id: uuid.UUID | None, first: dt.date, last: dt.date
) -> Iterator[Row]:
    """Yield every line of the ledger, kind by kind."""
    start = find_day_start(first).astimezone(dt.UTC)
    end = find_day_start(last).astimezone(dt.UTC) + dt.timedelta(days=1)
    yield from _list_payments(ctx, institution_id, start, end)
    yield from list_refunds(ctx, institution_id, start, end)
    yield from list_held(ctx, institution_id, start, end)
    yield from _list_waivers(ctx, institution_id, start, end)
    yield from list_differences(ctx, institution_id, first, last)


def record_ledger(ctx: Context, viewer: Viewer, first: dt.date, last: dt.date) -> None:
    """Write down who took the file of which days."""
    span = {"first": first.isoformat(), "last": last.isoformat()}
    with ctx.db.write() as session:
        record_audit(session, viewer, "payment.ledger", at=ctx.now(), **span)


def _describe_amount(amount_fen: int | None) -> str:
    """Return yuan, or that there is nothing."""
    return "无" if amount_fen is None else format_yuan(amount_fen)


def show_time(moment: dt.datetime | None) -> str:
    """Return local time to the second."""
    return to_local(moment).strftime("%Y-%m-%d %H:%M:%S") if moment else ""


def _list_payments(
    ctx: Context, institution_id: uuid.UUID | None, start: dt.datetime, end: dt.datetime
) -> Iterator[Row]:
    """Yield every order that was paid in the span."""
    statement = (
        select(Order, Enrolment.student_no, Enrolment.name)
        .join(Enrolment, Enrolment.id == Order.enrolment_id)
        .where(Order.paid_at >= start, Order.paid_at < end)
        .order_by(Order.paid_at)
    )
    if institution_id:
        statement = statement.where(Order.institution_id == institution_id)
    with ctx.db.read() as session:
        for order, student_no, name in session.execute(statement):
            yield (
                show_time(order.paid_at),
                "付款",
                student_no,
                name,
                order.out_trade_no,
                order.transaction_id or "",
                format_yuan(order.amount_fen),
                order.state.label,
                SETTLED_BY_LABELS.get(order.settled_by or "", ""),
            )


def list_refunds(
    ctx: Context, institution_id: uuid.UUID | None, start: dt.datetime, end: dt.datetime
) -> Iterator[Row]:
    """Yield every refund of the span: by WeChat's day once the money is back, as a negative."""
    moment = case(
        (
            Refund.state == RefundState.SUCCESS,
            func.coalesce(Refund.finished_at, Refund.requested_at),
        ),
        else_=Refund.requested_at,
    )
    statement = (
        select(Refund, Enrolment.student_no, Enrolment.name)
        .outerjoin(Order, Order.id == Refund.order_id)
        .outerjoin(Enrolment, Enrolment.id == Order.enrolment_id)
        .where(moment >= start, moment < end)
        .where((Refund.reason != UNTOLD) | (Refund.state != RefundState.CLOSED))
        .order_by(moment)
    )
    if institution_id:
        statement = statement.where(_is_of(Refund.institution_id, institution_id))
    with ctx.db.read() as session:
        for refund, student_no, name in session.execute(statement):
            is_back = refund.state is RefundState.SUCCESS
            yield (
                show_time(refund.finished_at or refund.requested_at),
                "退款",
                student_no or "",
                name or "",
                refund.out_trade_no,
                refund.refund_id or refund.out_refund_no,
                format_yuan(-refund.amount_fen) if is_back else "0.00",
                refund.state.label,
                refund.reason,
            )


def list_held(
    ctx: Context, institution_id: uuid.UUID | None, start: dt.datetime, end: dt.datetime
) -> Iterator[Row]:
    """Yield every payment that went to quarantine in the span."""
    statement = (
        select(QuarantinedPayment, Enrolment.student_no, Enrolment.name)
        .outerjoin(Order, Order.id == QuarantinedPayment.order_id)
        .outerjoin(Enrolment, Enrolment.id == Order.enrolment_id)
        .where(QuarantinedPayment.created_at >= start, QuarantinedPayment.created_at < end)
        .order_by(QuarantinedPayment.created_at)
    )
    if institution_id:
        statement = statement.where(_is_of(QuarantinedPayment.institution_id, institution_id))
    with ctx.db.read() as session:
        for held, student_no, name in session.execute(statement):
            yield (
                show_time(held.created_at),
                "待核实",
                student_no or "",
                name or "",
                held.out_trade_no,
                held.transaction_id,
                format_yuan(held.amount_fen) if _is_money_apart(held) else "",
                Resolution(held.resolution).label if held.resolution else "待处理",
                f"{Reason(held.reason).label} {held.resolution_note}".strip(),
            )


def _list_waivers(
    ctx: Context, institution_id: uuid.UUID | None, start: dt.datetime, end: dt.datetime
) -> Iterator[Row]:
    """Yield every fee that was forgiven (no money moved: its amount is 0) or paid in cash."""
    statement = (
        select(FeeWaiver, Enrolment.student_no, Enrolment.name)
        .join(Enrolment, Enrolment.id == FeeWaiver.enrolment_id)
        .where(FeeWaiver.at >= start, FeeWaiver.at < end)
        .order_by(FeeWaiver.at)
    )
    if institution_id:
        statement = statement.where(FeeWaiver.institution_id == institution_id)
    with ctx.db.read() as session:
        for waiver, student_no, name in session.execute(statement):
            due = f"应收 {format_yuan(waiver.amount_fen)}：" if waiver.amount_fen else ""
            said = due + waiver.decrypt_reason(ctx.cipher)
            who = (student_no, name, "", "")
            amount = format_yuan(waiver.amount_fen) if waiver.is_cash else "0.00"
            kind, state = ("现金", "已收现金") if waiver.is_cash else ("减免", "已减免")
            yield (show_time(waiver.at), kind, *who, amount, state, said)


def _is_money_apart(held: QuarantinedPayment) -> bool:
    """Whether the money counts here: not once it has settled an order, which has its own line."""
    is_gone = held.reason == Reason.REFUNDED_ELSEWHERE
    is_open = held.resolution in {None, Resolution.REFUND}
    return held.source != "refund" and is_open and not is_gone


def _is_of(
    column: InstrumentedAttribute[uuid.UUID | None], institution_id: uuid.UUID
) -> ColumnElement[bool]:
    """Return the condition of one college's lines; nobody's money is everybody's, as on pages."""
    return (column == institution_id) | column.is_(None)


def list_differences(
    ctx: Context, institution_id: uuid.UUID | None, first: dt.date, last: dt.date
) -> Iterator[Row]:
    """Yield every difference to the bills of the span."""
    statement = (
        select(ReconciliationDifference, Enrolment.student_no, Enrolment.name)
        .outerjoin(Order, Order.out_trade_no == ReconciliationDifference.out_trade_no)
        .outerjoin(Enrolment, Enrolment.id == Order.enrolment_id)
        .where(ReconciliationDifference.bill_date.between(first, last))
        .order_by(ReconciliationDifference.bill_date)
    )
    if institution_id:
        statement = statement.where(_is_of(ReconciliationDifference.institution_id, institution_id))
    with ctx.db.read() as session:
        for each, student_no, name in session.execute(statement):
            ours, theirs = _describe_amount(each.our_fen), _describe_amount(each.their_fen)
            yield (
                each.bill_date.isoformat(),
                "对账差异",
                student_no or "",
                name or "",
                each.out_trade_no,
                each.transaction_id,
                "",
                "已处理" if each.resolved_at else "待处理",
                f"{KIND_LABELS.get(each.kind, each.kind)} 系统{ours} 账单{theirs}",
            )
