"""Reconciliation (对账): the days compared with WeChat's bill, and the accountants' file."""

from __future__ import annotations

import datetime as dt
import uuid

from flask import Response, abort, redirect, render_template, request, url_for
from werkzeug.wrappers import Response as BaseResponse

from models import Role
from server.console.access import blueprint, current_context, current_viewer, roles
from server.console.payments import read_day
from server.console.rendering import say
from server.gateways.clock import to_local
from server.services.explain_differences import (
    DayNotOver,
    DifferenceUnexplained,
    list_days,
    reconcile_on_request,
    resolve_difference,
    view_day,
)
from server.services.ledger_csv import record_ledger, write_ledger_csv
from server.services.reconcile import BillNotReady

Page = str | BaseResponse | tuple[str, int]
MAX_LEDGER_DAYS = 400


@blueprint.get("/reconciliation")
@roles(Role.ADMIN, Role.FINANCE)
def reconciliation() -> Page:
    """Show the compared days."""
    return show_days()


@blueprint.post("/reconciliation")
@roles(Role.ADMIN, Role.FINANCE)
def reconciliation_run() -> Page:
    """Compare one day with WeChat's bill now."""
    try:
        day = dt.date.fromisoformat(request.form.get("day", "").strip())
        run = reconcile_on_request(current_context(), current_viewer(), day)
    except ValueError:
        return show_days(error="日期应写成 2026-10-01 的样子"), DayNotOver.status
    except (DayNotOver, BillNotReady) as error:
        return show_days(error=error.shown_message), error.status
    say(f"{day} 已核对,账单共 {run.bill_rows} 行")
    return redirect(url_for("console.reconciliation_day", day=day.isoformat()), 303)


@blueprint.get("/reconciliation/<day>")
@roles(Role.ADMIN, Role.FINANCE)
def reconciliation_day(day: str) -> Page:
    """Show one day and its differences."""
    return show_day(parse_day(day))


@blueprint.post("/reconciliation/differences/<uuid:difference_id>")
@roles(Role.ADMIN, Role.FINANCE)
def reconciliation_resolve(difference_id: uuid.UUID) -> Page:
    """Close a difference with an explanation."""
    note = request.form.get("note", "")
    try:
        found = resolve_difference(current_context(), current_viewer(), difference_id, note)
    except DifferenceUnexplained as error:
        day = parse_day(request.form.get("day", ""))
        return show_day(day, error=error.shown_message), error.status
    say("差异已处理")
    return redirect(url_for("console.reconciliation_day", day=found.bill_date.isoformat()), 303)


@blueprint.get("/ledger.csv")
@roles(Role.ADMIN, Role.FINANCE)
def reconciliation_ledger() -> Page:
    """Send the accountants' file of a span of days."""
    first, last = read_day("first"), read_day("last")
    if first is None or last is None or not 0 <= (last - first).days < MAX_LEDGER_DAYS:
        return show_days(error="请填写起止日期,先后正确且不超过 400 天"), DayNotOver.status
    ctx, viewer = current_context(), current_viewer()
    record_ledger(ctx, viewer, first, last)
    return Response(
        write_ledger_csv(ctx, viewer.institution_id, first, last),
        mimetype="text/csv",
        headers={
            "Content-Disposition": f'attachment; filename="ledger-{first}-{last}.csv"',
            "Cache-Control": "no-store",
        },
    )


def show_days(error: str = "") -> str:
    """Render the list of days; a failed run is among them with its reason."""
    ctx = current_context()
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


def show_day(day: dt.date, error: str = "") -> str:
    """Render one day."""
    view = view_day(current_context(), current_viewer(), day)
    return render_template("console/reconciliation_day.html", view=view, error=error)


def parse_day(text: str) -> dt.date:
    """Return the day of an address; another text is no page."""
    try:
        return dt.date.fromisoformat(text)
    except ValueError:
        abort(404)
