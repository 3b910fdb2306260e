"""Who is still missing: the list, its export, and reminders."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator

from flask import Response, redirect, render_template, request, url_for
from werkzeug.wrappers import Response as BaseResponse

from models import CollectionStatus, Role
from server.console.access import blueprint, current_context, current_viewer, roles
from server.console.rendering import say
from server.console.students import build_address, list_options, read_filter
from server.services.ledger_csv import write_line
from server.services.list_students import (
    MISSING,
    StudentFilter,
    StudentRow,
    list_choices,
    list_students,
    stream_students,
)
from server.services.remind import count_remindable, remind_missing

COLUMNS = ("学号", "姓名", "层次", "专业", "学习中心", "采集情况")
BOM = "\ufeff"
"""Without it Excel reads UTF-8 as GBK."""


def _read_missing_filter() -> StudentFilter:
    return dataclasses.replace(read_filter(), only_missing=True, register="", batch="")


@blueprint.get("/missing")
@roles(Role.ADMIN, Role.CENTRE)
def missing() -> str:
    """List the students who have to act."""
    ctx, viewer = current_context(), current_viewer()
    wanted = _read_missing_filter()
    page = list_students(ctx, viewer, wanted)
    options = list_options(list_choices(ctx, viewer))
    statuses = {CollectionStatus(value).value for value in MISSING}
    options["status"] = [one for one in options["status"] if one[0] in {"", *statuses}]
    return render_template(
        "console/missing.html",
        page=page,
        wanted=wanted,
        options=options,
        remindable=count_remindable(ctx, viewer, wanted),
        is_filtered=any((wanted.status, wanted.centre, wanted.level, wanted.text)),
        export_url=build_address("console.missing_export", wanted),
        remind_url=build_address("console.missing_remind", wanted),
        before_url=build_address(request.endpoint or "", wanted, before=page.before)
        if page.before
        else "",
        after_url=build_address(request.endpoint or "", wanted, after=page.after)
        if page.after
        else "",
    )


@blueprint.get("/missing.csv")
@roles(Role.ADMIN, Role.CENTRE)
def missing_export() -> Response:
    """Send the list as CSV: no ID numbers, safe to open in Excel."""
    wanted = dataclasses.replace(_read_missing_filter(), after="", before="")
    rows = stream_students(current_context(), current_viewer(), wanted)
    return Response(
        _write_csv(rows),
        mimetype="text/csv",
        headers={
            "Content-Disposition": 'attachment; filename="missing.csv"',
            "Cache-Control": "no-store",
        },
    )


@blueprint.post("/missing/remind")
@roles(Role.ADMIN, Role.CENTRE)
def missing_remind() -> BaseResponse:
    """Remind those who have allowed it."""
    wanted = _read_missing_filter()
    outcome = remind_missing(current_context(), current_viewer(), wanted)
    say(f"已安排 {outcome.new} 条提醒")
    if outcome.before:
        say(f"{outcome.before} 人今天已提醒过,不再重复", "info")
    return redirect(build_address("console.missing", wanted) or url_for("console.missing"))


def _write_csv(rows: Iterator[StudentRow]) -> Iterator[str]:
    yield BOM + write_line(COLUMNS)
    for row in rows:
        yield write_line(
            (row.student_no, row.name, row.level, row.major, row.centre, row.status.label)
        )
