"""交接记录与结果: receipts of what left the house, and the lists that come back."""

from __future__ import annotations

import datetime as dt
import uuid

from flask import redirect, render_template, request, url_for
from werkzeug.datastructures import MultiDict
from werkzeug.wrappers import Response

from models import Role
from server.console.access import blueprint, current_viewer, roles
from server.console.rendering import say
from server.errors import CaijiError, NotFound
from server.services.exports.receipts import ReceiptView, list_receipts
from server.services.handover.apply_list import (
    KEYS,
    OUTCOMES,
    SHOWN_UNKNOWN,
    Applied,
    ListMapping,
    MappingIncomplete,
    ResultDateUnreadable,
    apply_list,
    list_values,
)
from server.services.handover.keep_list import Lines, read_list, receive_list
from server.services.handover.missing import list_missing_results
from server.services.roster.columns import RosterUnreadable
from server.surfaces import get_ctx

Page = str | Response | tuple[str, int]
MEANING = "meaning-"
SHOWN_LINES = 5


@blueprint.get("/handovers")
@roles(Role.ADMIN, Role.AUDITOR)
def handovers() -> Page:
    """Show the receipts, and the form for a list that came back."""
    return _show_receipts()


@blueprint.get("/handovers/<uuid:receipt_id>")
@roles(Role.ADMIN, Role.AUDITOR)
def handover(receipt_id: uuid.UUID) -> Page:
    """Show one receipt, and who of it is not visible at 学信网 yet."""
    ctx, viewer = get_ctx(), current_viewer()
    found = _find_receipt(list_receipts(ctx, viewer), receipt_id)
    rows = list_missing_results(ctx, viewer, receipt_id)
    return render_template("console/handover.html", view=found, rows=rows)


@blueprint.post("/handovers/lists")
@roles(Role.ADMIN)
def handover_list_upload() -> Page:
    """Take a list; its columns are mapped on the next page."""
    file = request.files.get("file")
    data = file.read() if file is not None else b""
    name = (file.filename or "") if file is not None else ""
    try:
        list_id = receive_list(get_ctx(), current_viewer(), data=data, file_name=name)
    except RosterUnreadable as error:
        return _show_receipts(error), error.status
    return redirect(url_for("console.handover_list", list_id=list_id), 303)


@blueprint.get("/handovers/lists/<uuid:list_id>")
@roles(Role.ADMIN)
def handover_list(list_id: uuid.UUID) -> Page:
    """Show a list and ask which column is which: nothing is guessed."""
    lines = read_list(get_ctx(), current_viewer(), list_id)
    return _show_list(list_id, lines, request.args)


@blueprint.post("/handovers/lists/<uuid:list_id>")
@roles(Role.ADMIN)
def handover_list_apply(list_id: uuid.UUID) -> Page:
    """Write what the list says."""
    ctx, viewer, form = get_ctx(), current_viewer(), request.form
    lines = read_list(ctx, viewer, list_id)
    try:
        done = apply_list(ctx, viewer, list_id, _read_mapping(form, lines))
    except (MappingIncomplete, ResultDateUnreadable) as error:
        return _show_list(list_id, lines, form, error), error.status
    _tell_what_was_done(done)
    return redirect(url_for("console.handovers"), 303)


def _tell_what_was_done(done: Applied) -> None:
    say(f"登记了 {done.new} 条新结果；{done.known} 条以前登记过，{done.passed_over} 行没有处理")
    if done.unknown:
        shown = "、".join(done.unknown[:SHOWN_UNKNOWN])
        more = "等" if len(done.unknown) > SHOWN_UNKNOWN else ""
        say(f"有 {len(done.unknown)} 行找不到学生：{shown}{more}", "warning")


def _show_receipts(error: CaijiError | None = None) -> str:
    return render_template(
        "console/handovers.html",
        views=list_receipts(get_ctx(), current_viewer()),
        error=error.shown_message if error else "",
    )


def _show_list(
    list_id: uuid.UUID, lines: Lines, chosen: MultiDict[str, str], error: CaijiError | None = None
) -> str:
    column = _read_column(chosen, "outcome_column")
    receipts = list_receipts(get_ctx(), current_viewer())
    columns = [(str(place), text or f"第 {place + 1} 列") for place, text in enumerate(lines[0])]
    return render_template(
        "console/handover_list.html",
        list_id=list_id,
        lines=lines[: SHOWN_LINES + 1],
        count=len(lines) - 1,
        columns=[("", "请选择"), *columns],
        day_columns=[("", "没有，用下面的日期"), *columns],
        keys=[("", "请选择"), *KEYS.items()],
        outcomes=list(OUTCOMES.items()),
        receipts=[
            ("", "不按序号"),
            *(
                (str(one.receipt.id), f"{one.receipt.at:%Y-%m-%d} {one.receipt.receiver}")
                for one in receipts
            ),
        ],
        values=list_values(lines, column) if 0 <= column < len(lines[0]) else [],
        meaning=MEANING,
        chosen=chosen,
        error=error.shown_message if error else "",
    )


def _read_mapping(form: MultiDict[str, str], lines: Lines) -> ListMapping:
    column = _read_column(form, "outcome_column")
    values = list_values(lines, column)
    try:
        day = dt.date.fromisoformat(form.get("day", ""))
    except ValueError:
        day = None
    try:
        receipt_id = uuid.UUID(form.get("receipt", ""))
    except ValueError:
        receipt_id = None
    return ListMapping(
        key=form.get("key", ""),
        key_column=_read_column(form, "key_column"),
        outcome_column=column,
        outcomes={
            value: form.get(f"{MEANING}{place}", "")[:20] for place, value in enumerate(values)
        },
        day_column=_read_column(form, "day_column"),
        day=day,
        receipt_id=receipt_id,
    )


def _read_column(form: MultiDict[str, str], name: str) -> int:
    text = form.get(name, "")[:4]
    return int(text) if text.isascii() and text.isdigit() else -1


def _find_receipt(views: list[ReceiptView], receipt_id: uuid.UUID) -> ReceiptView:
    found = next((view for view in views if view.receipt.id == receipt_id), None)
    if found is None:
        raise NotFound
    return found
