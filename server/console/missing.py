"""Who is still missing: the list, its export, and reminders."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from itertools import chain, islice

from flask import Response, redirect, render_template, request, url_for
from werkzeug.wrappers import Response as BaseResponse

from models import CollectionStatus, Role
from server.console.access import blueprint, current_viewer, roles
from server.console.rendering import say, show_local_time
from server.console.students import (
    FILTER_NAMES,
    build_address,
    list_filter_chips,
    list_options,
    read_filter,
)
from server.services.audit import record_audit
from server.services.csv_lines import write_line
from server.services.overview.list_students import MISSING, StudentFilter, list_choices
from server.services.overview.missing import (
    MissingRow,
    count_reasons,
    list_classes,
    list_missing,
    stream_missing,
    write_group_text,
)
from server.services.overview.remind import REMINDED_AT_ONCE, count_reach, remind_missing
from server.services.overview.why_missing import Why
from server.services.xlsx import XlsxWriter
from server.surfaces import get_ctx

COLUMNS = (
    *("学号", "姓名", "班级", "层次", "专业", "学习中心", "采集情况", "未完成原因"),
    *("检测未合格次数", "最近原因", "最近活动", "能否提醒"),
)
PHONES = [("", "全部"), ("none", "没有手机号"), ("known", "有手机号")]
BOM = "\ufeff"
"""Without it Excel reads UTF-8 as GBK."""


def _read_missing_filter() -> StudentFilter:
    return dataclasses.replace(read_filter(), only_missing=True, register="", batch="")


@blueprint.get("/missing")
@roles(Role.ADMIN, Role.CENTRE)
def missing() -> str:
    """List the students who have to act, and why."""
    ctx, viewer = get_ctx(), current_viewer()
    wanted = _read_missing_filter()
    page, rows = list_missing(ctx, viewer, wanted)
    counts = count_reasons(ctx, viewer, wanted)
    options = list_options(list_choices(ctx, viewer))
    statuses = {CollectionStatus(value).value for value in MISSING}
    options["status"] = [one for one in options["status"] if one[0] in {"", *statuses}]
    options["why"] = [("", "全部"), *((why.value, why.label) for why in Why)]
    options["phone"] = PHONES
    options["class_name"] = [("", "全部"), *((one, one) for one in list_classes(ctx, viewer))]
    here = request.endpoint or ""
    return render_template(
        "console/missing.html",
        page=page,
        rows=rows,
        wanted=wanted,
        options=options,
        chips=list_filter_chips(here, wanted, options),
        reasons=[(why.label, counts[why], _narrow(wanted, why)) for why in Why if counts[why]],
        group_text=write_group_text(ctx, viewer, wanted, counts),
        reach=count_reach(ctx, viewer, wanted),
        most=REMINDED_AT_ONCE,
        is_filtered=any(getattr(wanted, name) for name in FILTER_NAMES),
        csv_url=build_address("console.missing_export", wanted),
        xlsx_url=build_address("console.missing_workbook", wanted),
        remind_url=build_address("console.missing_remind", wanted),
        before_url=build_address(here, wanted, before=page.before) if page.before else "",
        after_url=build_address(here, wanted, after=page.after) if page.after else "",
    )


def _narrow(wanted: StudentFilter, why: Why) -> str:
    return build_address("console.missing", dataclasses.replace(wanted, why=why.value))


@blueprint.get("/missing.csv")
@roles(Role.ADMIN, Role.CENTRE)
def missing_export() -> Response:
    """Send the list as CSV: no ID numbers, safe to open in Excel."""
    return _send(_write_csv(_stream()), "text/csv", "missing.csv")


@blueprint.get("/missing.xlsx")
@roles(Role.ADMIN, Role.CENTRE)
def missing_workbook() -> Response:
    """Send the list as a workbook: no ID numbers, and no cell is a formula."""
    rows = _stream()
    book = XlsxWriter()
    book.write_sheet("未完成的学生", chain([COLUMNS], map(_list_cells, rows)))
    kind = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
    return _send(book.finish(), kind, "missing.xlsx")


@blueprint.post("/missing/remind")
@roles(Role.ADMIN, Role.CENTRE)
def missing_remind() -> BaseResponse:
    """Remind those who can be reached."""
    wanted = _read_missing_filter()
    outcome = remind_missing(get_ctx(), current_viewer(), wanted)
    say(f"已安排 {outcome.new} 条微信提醒" + (f"、{outcome.sms} 条短信" if outcome.sms else ""))
    if outcome.sms and outcome.is_quiet:
        say("现在是免打扰时间，短信在时间结束后发出", "info")
    if outcome.left:
        say(f"还有 {outcome.left} 人，再点一次“提醒”继续", "info")
    return redirect(build_address("console.missing", wanted) or url_for("console.missing"))


def _stream() -> Iterator[MissingRow]:
    wanted = dataclasses.replace(_read_missing_filter(), after="", before="")
    ctx, viewer = get_ctx(), current_viewer()
    rows = stream_missing(ctx, viewer, wanted)
    with ctx.db.write() as session:
        record_audit(session, viewer, "missing.export", at=ctx.now())
    # The first row is read before an answer begins: a filter that cannot be asked gets its 400.
    return chain(list(islice(rows, 1)), rows)


def _send(content: bytes | Iterator[str], kind: str, name: str) -> Response:
    headers = {
        "Content-Disposition": f'attachment; filename="{name}"',
        "Cache-Control": "no-store",
    }
    return Response(content, mimetype=kind, headers=headers)


def _list_cells(row: MissingRow) -> tuple[str, ...]:
    student = row.student
    active = show_local_time(row.last_active_at) if row.last_active_at else ""
    return (
        *(student.student_no, student.name, row.class_name, student.level, student.major),
        *(student.centre, student.status.label, row.why.label),
        *(str(row.failed_checks or ""), row.last_reason, active, row.reach),
    )


def _write_csv(rows: Iterator[MissingRow]) -> Iterator[str]:
    yield BOM + write_line(COLUMNS)
    for row in rows:
        yield write_line(_list_cells(row))
