"""The accountants' file: every payment, refund, held payment and difference of a span of days."""

from __future__ import annotations

import csv
import datetime as dt
import io
import re
import uuid
from collections.abc import Iterator

from sqlalchemy import select

from models import (
    Enrolment,
    Order,
    QuarantinedPayment,
    ReconciliationDifference,
    Refund,
    RefundState,
)
from server.context import Context
from server.gateways.clock import LOCAL_ZONE, to_local
from server.services.amounts import format_yuan
from server.services.audit import record_audit
from server.services.quarantine import Reason
from server.services.reconcile import KIND_LABELS
from server.services.resolve_quarantine import Resolution
from server.services.staff_viewer import Viewer

HEADER = ("时间", "类型", "学号", "商户订单号", "微信单号", "金额(元)", "状态", "说明")
FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r")
AMOUNT = re.compile(r"-?\d+\.\d\d")
SETTLED_BY_LABELS = {
    "callback": "微信通知",
    "query": "查询入账",
    "bill": "对账补记",
    "finance": "财务确认",
}
Row = tuple[str, ...]


def write_ledger_csv(
    ctx: Context, institution_id: uuid.UUID | None, first: dt.date, last: dt.date
) -> Iterator[str]:
    """Yield the lines of the file for `first` to `last`, both included, Asia/Shanghai.

    It starts with a byte order mark, so that Excel reads the Chinese. `institution_id` None means
    all colleges.
    """
    start = dt.datetime.combine(first, dt.time(), LOCAL_ZONE).astimezone(dt.UTC)
    end = dt.datetime.combine(last, dt.time(), LOCAL_ZONE).astimezone(dt.UTC) + dt.timedelta(days=1)
    yield "\ufeff" + write_line(HEADER)
    for rows in (
        list_payments(ctx, institution_id, start, end),
        list_refunds(ctx, institution_id, start, end),
        list_held(ctx, institution_id, start, end),
        list_differences(ctx, institution_id, first, last),
    ):
        for row in rows:
            yield write_line(row)


def record_ledger(ctx: Context, viewer: Viewer, first: dt.date, last: dt.date) -> None:
    """Write down who took the file of which days."""
    span = {"first": first.isoformat(), "last": last.isoformat()}
    with ctx.db.write() as session:
        record_audit(session, viewer, "payment.ledger", at=ctx.now(), **span)


def write_line(values: Row) -> str:
    """Return one CSV line in which no cell can start a formula."""
    safe = [f"'{value}" if is_formula(value) else value for value in values]
    buffer = io.StringIO()
    csv.writer(buffer).writerow(safe)
    return buffer.getvalue()


def is_formula(value: str) -> bool:
    """Whether a spreadsheet would calculate with the text; a negative amount is none."""
    return value.startswith(FORMULA_STARTS) and not AMOUNT.fullmatch(value)


def describe_amount(amount_fen: int | None) -> str:
    """Return yuan, or that there is nothing."""
    return "无" if amount_fen is None else format_yuan(amount_fen)


def show_time(moment: dt.datetime | None) -> str:
    """Return local time to the second."""
    return to_local(moment).strftime("%Y-%m-%d %H:%M:%S") if moment else ""


def list_payments(
    ctx: Context, institution_id: uuid.UUID | None, start: dt.datetime, end: dt.datetime
) -> Iterator[Row]:
    """Yield every order that was paid in the span."""
    statement = (
        select(Order, Enrolment.student_no)
        .join(Enrolment, Enrolment.id == Order.enrolment_id)
        .where(Order.paid_at >= start, Order.paid_at < end)
        .order_by(Order.paid_at)
    )
    if institution_id:
        statement = statement.where(Order.institution_id == institution_id)
    with ctx.db.read() as session:
        for order, student_no in session.execute(statement):
            yield (
                show_time(order.paid_at),
                "付款",
                student_no,
                order.out_trade_no,
                order.transaction_id or "",
                format_yuan(order.amount_fen),
                order.state.label,
                SETTLED_BY_LABELS.get(order.settled_by or "", ""),
            )


def list_refunds(
    ctx: Context, institution_id: uuid.UUID | None, start: dt.datetime, end: dt.datetime
) -> Iterator[Row]:
    """Yield every refund asked for in the span, as a negative amount once the money is back."""
    statement = (
        select(Refund)
        .where(Refund.requested_at >= start, Refund.requested_at < end)
        .order_by(Refund.requested_at)
    )
    if institution_id:
        statement = statement.where(Refund.institution_id == institution_id)
    with ctx.db.read() as session:
        for refund in session.scalars(statement):
            is_back = refund.state is RefundState.SUCCESS
            yield (
                show_time(refund.finished_at or refund.requested_at),
                "退款",
                "",
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
        select(QuarantinedPayment)
        .where(QuarantinedPayment.created_at >= start, QuarantinedPayment.created_at < end)
        .order_by(QuarantinedPayment.created_at)
    )
    if institution_id:
        statement = statement.where(QuarantinedPayment.institution_id == institution_id)
    with ctx.db.read() as session:
        for held in session.scalars(statement):
            yield (
                show_time(held.created_at),
                "待核实",
                "",
                held.out_trade_no,
                held.transaction_id,
                format_yuan(held.amount_fen) if is_money_apart(held) else "",
                Resolution(held.resolution).label if held.resolution else "待处理",
                f"{Reason(held.reason).label} {held.resolution_note}".strip(),
            )


def is_money_apart(held: QuarantinedPayment) -> bool:
    """Whether the money counts here: not once it has settled an order, which has its own line."""
    return held.source != "refund" and held.resolution in {None, Resolution.REFUND}


def list_differences(
    ctx: Context, institution_id: uuid.UUID | None, first: dt.date, last: dt.date
) -> Iterator[Row]:
    """Yield every difference to the bills of the span."""
    statement = (
        select(ReconciliationDifference)
        .where(ReconciliationDifference.bill_date.between(first, last))
        .order_by(ReconciliationDifference.bill_date)
    )
    if institution_id:
        statement = statement.where(ReconciliationDifference.institution_id == institution_id)
    with ctx.db.read() as session:
        for each in session.scalars(statement):
            ours, theirs = describe_amount(each.our_fen), describe_amount(each.their_fen)
            yield (
                each.bill_date.isoformat(),
                "对账差异",
                "",
                each.out_trade_no,
                each.transaction_id,
                "",
                "已处理" if each.resolved_at else "待处理",
                f"{KIND_LABELS.get(each.kind, each.kind)} 系统{ours} 账单{theirs}",
            )
