"""Reconciliation (对账): the days compared with WeChat's bill, and the accountants' file."""

from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import Callable, Iterable

from flask import Response, abort, redirect, render_template, request, url_for
from werkzeug.wrappers import Response as BaseResponse

from models import Role
from server.console.access import blueprint, current_viewer, roles
from server.console.forms import parse_near_day
from server.console.payments import read_day
from server.console.rendering import say
from server.context import Context
from server.gateways.clock import to_local
from server.services.money.books.explain_differences import (
    DayNotOver,
    DifferenceUnexplained,
    list_days,
    reconcile_on_request,
    resolve_difference,
    view_day,
)
from server.services.money.books.ledger import record_ledger, write_ledger_csv, write_ledger_xlsx
from server.services.money.books.reconcile import BillNotReady
from server.surfaces import get_ctx

Page = str | BaseResponse | tuple[str, int]
MAX_LEDGER_DAYS = 400
XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
LedgerWriter = Callable[[Context, uuid.UUID, dt.date, dt.date], Iterable[str] | Iterable[bytes]]


@blueprint.get("/reconciliation")
@roles(Role.ADMIN, Role.FINANCE)
def reconciliation() -> Page:
    """Show the compared days."""
    return _show_days()


@blueprint.post("/reconciliation")
@roles(Role.ADMIN, Role.FINANCE)
def reconciliation_run() -> Page:
    """Compare one day with WeChat's bill now."""
    try:
        day = parse_near_day(request.form.get("day", ""))
        if day is None:
            return _show_days(error="日期应写成 2026-10-01 的样子"), DayNotOver.status
        run = reconcile_on_request(get_ctx(), current_viewer(), day)
    except (DayNotOver, BillNotReady) as error:
        return _show_days(error=error.shown_message), error.status
    say(f"{day} 已核对，账单共 {run.bill_rows} 行")
    return redirect(url_for("console.reconciliation_day", day=day.isoformat()), 303)


@blueprint.get("/reconciliation/<day>")
@roles(Role.ADMIN, Role.FINANCE)
def reconciliation_day(day: str) -> Page:
    """Show one day and its differences."""
    return _show_day(_parse_day(day))


@blueprint.post("/reconciliation/differences/<uuid:difference_id>")
@roles(Role.ADMIN, Role.FINANCE)
def reconciliation_resolve(difference_id: uuid.UUID) -> Page:
    """Close a difference with an explanation."""
    note = request.form.get("note", "")
    try:
        found = resolve_difference(get_ctx(), current_viewer(), difference_id, note)
    except DifferenceUnexplained as error:
        day = _parse_day(request.form.get("day", ""))
        return _show_day(day, error=error.shown_message), error.status
    say("差异已处理")
    return redirect(url_for("console.reconciliation_day", day=found.bill_date.isoformat()), 303)


@blueprint.get("/ledger.csv")
@roles(Role.ADMIN, Role.FINANCE)
def reconciliation_ledger() -> Page:
    """Send the accountants' file of a span of days."""
    return _send_ledger("csv", "text/csv", write_ledger_csv)


@blueprint.get("/ledger.xlsx")
@roles(Role.ADMIN, Role.FINANCE)
def reconciliation_ledger_xlsx() -> Page:
    """Send the same as a workbook: its cells are text, so that long numbers survive Excel."""
    return _send_ledger("xlsx", XLSX, write_ledger_xlsx)


def _send_ledger(ending: str, mimetype: str, write: LedgerWriter) -> Page:
    """Send the file of the days in the address, or say what is wrong with them."""
    first, last = read_day("first"), read_day("last")
    if first is None or last is None:
        return _show_days(error="请填写起止日期，写成 2026-10-01 的样子"), DayNotOver.status
    if first > last:
        return _show_days(error="起止日期写反了：起始日期晚于结束日期"), DayNotOver.status
    if (last - first).days >= MAX_LEDGER_DAYS:
        return _show_days(error="一次最多下载 400 天的收款明细"), DayNotOver.status
    ctx, viewer = get_ctx(), current_viewer()
    record_ledger(ctx, viewer, first, last)
    return Response(
        write(ctx, viewer.institution_id, first, last),
        mimetype=mimetype,
        headers={
            "Content-Disposition": f'attachment; filename="ledger-{first}-{last}.{ending}"',
            "Cache-Control": "no-store",
        },
    )


def _show_days(error: str = "") -> str:
    """Render the list of days; a failed run is among them with its reason."""
    ctx = get_ctx()
    today = to_local(ctx.now()).date()
    return render_template(
        "console/reconciliation.html",
        days=list_days(ctx, current_viewer()),
        error=error,
        yesterday=(today - dt.timedelta(days=1)).isoformat(),
        month_start=today.replace(day=1).isoformat(),
        today=today.isoformat(),
        typed=request.form.get("day", ""),
    )


def _show_day(day: dt.date, error: str = "") -> str:
    """Render one day."""
    view = view_day(get_ctx(), current_viewer(), day)
    return render_template("console/reconciliation_day.html", view=view, error=error)


def _parse_day(text: str) -> dt.date:
    """Return the day of an address; another text is no page."""
    day = parse_near_day(text)
    if day is None:
        abort(404)
    return day
