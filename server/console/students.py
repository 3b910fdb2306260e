"""Students: the list with its filters, one student's whole story, and the correction after lock."""

from __future__ import annotations

import dataclasses
import datetime as dt
import uuid

from flask import Response as FileResponse
from flask import redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from models import NO_BATCH_LABEL, REGISTER_STATUSES, CollectionStatus, Role
from server.console.access import WORKERS, blueprint, current_viewer, roles
from server.console.chips import Chip, list_chips
from server.console.rendering import say, show_local_time
from server.services.audit import record_audit
from server.services.chsi.overview import GROUPS as CHSI_GROUPS
from server.services.chsi.overview import count_codes
from server.services.messages.reasons import describe_reason
from server.services.overview.behind_figures import BY_NOTE, DAYS_SHOWN
from server.services.overview.find_by_number import (
    NumberUnusable,
    find_by_number,
    is_whole_number,
)
from server.services.overview.list_students import (
    GROUPS,
    FilterChoices,
    StudentFilter,
    StudentRow,
    list_choices,
    list_students,
    stream_students,
)
from server.services.overview.progress import read_progress
from server.services.overview.view_student import view_student
from server.services.overview.why_missing import Why
from server.services.paging import Page
from server.services.prints.order import list_print_profiles
from server.services.prints.paper import PAPERS
from server.services.review.correct import ReasonMissing, correct_enrolment
from server.services.student.release import (
    IDENTITIES_SEEN,
    MAY_RELEASE,
    ReleaseUnexplained,
    release_enrolment,
)
from server.services.xlsx import XlsxWriter
from server.surfaces import get_ctx

CENTRE_TITLE = "学生电子照片采集"
FILTER_NAMES = (
    *("status", "batch", "register", "centre", "level", "text"),
    *("why", "phone", "class_name", "chsi"),
    *("rule", "reason", "uploaded_on", "collected_on"),
)
CHIP_LABELS = {
    "status": "采集情况",
    "why": "未完成原因",
    "batch": "照片扫描批次",
    "register": "学籍状态",
    "centre": "学习中心",
    "level": "层次",
    "class_name": "班级",
    "phone": "手机号",
    "text": "学号或姓名开头",
    "chsi": "图像采集码",
    "rule": "检测未合格",
    "reason": "退回原因",
    "uploaded_on": "交齐日期",
    "collected_on": "采集日期",
}
COLUMNS = (
    *("学号", "姓名", "层次", "专业", "学习中心"),
    *("学籍状态", "采集情况", "照片扫描批次", "交齐时间"),
)
XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
Options = list[tuple[str, str]]


def read_filter() -> StudentFilter:
    """Return the filter that the address carries."""

    def read(name: str, longest: int = 60) -> str:
        return request.args.get(name, "").strip()[:longest]

    return StudentFilter(
        status=read("status"),
        batch=read("batch"),
        register=read("register"),
        centre=read("centre"),
        level=read("level"),
        text=read("text"),
        why=read("why"),
        phone=read("phone"),
        class_name=read("class_name"),
        chsi=read("chsi"),
        rule=read("rule"),
        reason=read("reason"),
        uploaded_on=read("uploaded_on"),
        collected_on=read("collected_on"),
        figures_since=get_ctx().now() - dt.timedelta(days=DAYS_SHOWN),
        after=read("after", 32),
        before=read("before", 32),
    )


def build_address(endpoint: str, wanted: StudentFilter, **changes: str) -> str:
    """Return the address of a list with the same filter; empty values are left out."""
    values = {name: getattr(wanted, name) for name in FILTER_NAMES} | changes
    return url_for(endpoint, **{name: value for name, value in values.items() if value})


def list_filter_chips(
    endpoint: str, wanted: StudentFilter, options: dict[str, Options]
) -> list[Chip]:
    """Return the chips of a list of students; closing one goes back to the first page."""
    told = {
        code: [(value, describe_reason(value))]
        for code in ("rule", "reason")
        if (value := getattr(wanted, code))
    }
    if wanted.reason == BY_NOTE:
        told["reason"] = [(BY_NOTE, "其他（说明）")]
    return list_chips(
        CHIP_LABELS,
        {name: getattr(wanted, name) for name in FILTER_NAMES},
        {**options, **told},
        lambda name: build_address(endpoint, wanted, **{name: ""}),
    )


def list_options(choices: FilterChoices) -> dict[str, Options]:
    """Return the <select> options of each filter."""
    statuses = [(one.value, one.label) for one in CollectionStatus]
    return {
        "status": [("", "全部"), *statuses, *GROUPS.items()],
        "why": [("", "全部"), *((why.value, why.label) for why in Why)],
        "batch": [("", "全部"), (NO_BATCH_LABEL, NO_BATCH_LABEL), *choices.batches],
        "register": [("", "全部"), *((one, one) for one in REGISTER_STATUSES)],
        "centre": [("", "全部"), *choices.centres],
        "chsi": [("", "全部"), *CHSI_GROUPS.items()],
        "level": [("", "全部"), *((one, one) for one in choices.levels)],
    }


@blueprint.get("/students")
@roles(*WORKERS)
def students() -> str | Response:
    """List the viewer's students."""
    wanted = _read_wanted()
    if is_whole_number(wanted.text):
        say("证件号码不能放在地址里：请填在下面的“证件号码”框中查找", "warning")
        return redirect(url_for("console.students"))
    return _show_list(wanted, list_students(get_ctx(), current_viewer(), wanted))


@blueprint.post("/students/find")
@roles(*WORKERS)
def students_find() -> str | Response | tuple[str, int]:
    """Find a student by the whole ID number; one match leads to the student."""
    ctx, viewer = get_ctx(), current_viewer()
    try:
        page = find_by_number(ctx, viewer, request.form.get("id_number", "")[:60])
    except NumberUnusable as error:
        every = list_students(ctx, viewer, StudentFilter())
        return _show_list(StudentFilter(), every, error.shown_message), error.status
    if len(page.rows) == 1:
        return redirect(url_for("console.student", enrolment_id=page.rows[0].id), 303)
    return _show_list(StudentFilter(), page, is_found=True)


@blueprint.get("/students.xlsx")
@roles(Role.ADMIN, Role.CENTRE)
def students_workbook() -> FileResponse:
    """Send the filtered list as a workbook: no ID numbers, and no cell is a formula."""
    ctx, viewer = get_ctx(), current_viewer()
    wanted = dataclasses.replace(_read_wanted(), after="", before="")
    rows = [list(COLUMNS), *map(_list_cells, stream_students(ctx, viewer, wanted))]
    book = XlsxWriter()
    book.write_sheet("学生", rows)
    with ctx.db.write() as session:
        record_audit(session, viewer, "students.export", at=ctx.now(), count=len(rows) - 1)
    headers = {
        "Content-Disposition": 'attachment; filename="students.xlsx"',
        "Cache-Control": "no-store",
    }
    return FileResponse(book.finish(), mimetype=XLSX, headers=headers)


def _read_wanted() -> StudentFilter:
    """Return the filter of the address; a reason narrows to those who are missing."""
    wanted = read_filter()
    return dataclasses.replace(wanted, only_missing=bool(wanted.why))


def _list_cells(row: StudentRow) -> list[str]:
    uploaded = show_local_time(row.uploaded_at) if row.uploaded_at else ""
    return [
        *(row.student_no, row.name, row.level, row.major, row.centre),
        *(row.register_status, row.status.label, row.batch, uploaded),
    ]


def _show_list(
    wanted: StudentFilter,
    page: Page[StudentRow, str],
    number_error: str = "",
    *,
    is_found: bool = False,
) -> str:
    ctx, viewer = get_ctx(), current_viewer()
    is_centre = viewer.role is Role.CENTRE
    here = "console.students"
    options = list_options(list_choices(ctx, viewer))
    return render_template(
        "console/students.html",
        title=CENTRE_TITLE if is_centre else "学生",
        page=page,
        wanted=wanted,
        is_filtered=is_found or any(getattr(wanted, name) for name in FILTER_NAMES),
        is_found=is_found,
        number_error=number_error,
        options=options,
        chips=list_filter_chips(here, wanted, options),
        progress=read_progress(ctx, viewer) if is_centre else None,
        codes=count_codes(ctx, viewer) if is_centre else None,
        xlsx_url=build_address("console.students_workbook", wanted),
        before_url=build_address(here, wanted, before=page.before) if page.before else "",
        after_url=build_address(here, wanted, after=page.after) if page.after else "",
    )


@blueprint.get("/students/<uuid:enrolment_id>")
@roles(*WORKERS)
def student(enrolment_id: uuid.UUID) -> str:
    """Show one student's whole story."""
    return _show_student(enrolment_id)


@blueprint.post("/students/<uuid:enrolment_id>/correct")
@roles(Role.ADMIN)
def student_correct(enrolment_id: uuid.UUID) -> str | Response | tuple[str, int]:
    """Unlock a collected photo (勘误)."""
    reason, note = request.form.get("reason", ""), request.form.get("note", "")
    try:
        correct_enrolment(get_ctx(), current_viewer(), enrolment_id, reason, note=note)
    except ReasonMissing as error:
        return _show_student(enrolment_id, error=error.shown_message), error.status
    say("已解除锁定，学生需要重新上传照片")
    return redirect(url_for("console.student", enrolment_id=enrolment_id))


@blueprint.post("/students/<uuid:enrolment_id>/release")
@roles(*MAY_RELEASE)
def student_release(enrolment_id: uuid.UUID) -> str | Response | tuple[str, int]:
    """End the binding with a WeChat account (解除绑定)."""
    try:
        release_enrolment(
            get_ctx(),
            current_viewer(),
            enrolment_id,
            reason=request.form.get("release_reason", ""),
            identity_seen=request.form.get("identity_seen", ""),
        )
    except ReleaseUnexplained as error:
        return _show_student(enrolment_id, release_error=error.shown_message), error.status
    say("已解除绑定。本人可以用新的微信进入小程序，核对身份后继续")
    return redirect(url_for("console.student", enrolment_id=enrolment_id), 303)


def _show_student(enrolment_id: uuid.UUID, error: str = "", release_error: str = "") -> str:
    view = view_student(get_ctx(), current_viewer(), enrolment_id)
    return render_template(
        "console/student.html",
        view=view,
        error=error,
        release_error=release_error,
        print_profiles=[
            (one.key, one.title) for one in list_print_profiles(get_ctx(), current_viewer())
        ],
        print_papers=[(name, paper.label) for name, paper in PAPERS.items()],
        identity_options=[("", "请选择"), *((one, one) for one in IDENTITIES_SEEN)],
    )
