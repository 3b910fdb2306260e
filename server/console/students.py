"""Students: the list with its filters, one student's whole story, and the correction after lock."""

from __future__ import annotations

import uuid

from flask import redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from models import NO_BATCH_LABEL, REGISTER_STATUSES, CollectionStatus, Role
from server.console.access import STAFF, blueprint, current_context, current_viewer, roles
from server.console.rendering import say
from server.services.correct_enrolment import ReasonMissing, correct_enrolment
from server.services.list_students import (
    FilterChoices,
    StudentFilter,
    list_choices,
    list_students,
)
from server.services.progress import read_progress
from server.services.view_student import view_student

CENTRE_TITLE = "学生电子照片采集"
FILTER_NAMES = ("status", "batch", "register", "centre", "level", "text")
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
        after=read("after", 32),
        before=read("before", 32),
    )


def build_address(endpoint: str, wanted: StudentFilter, **changes: str) -> str:
    """Return the address of a list with the same filter; empty values are left out."""
    values = {name: getattr(wanted, name) for name in FILTER_NAMES} | changes
    return url_for(endpoint, **{name: value for name, value in values.items() if value})


def list_options(choices: FilterChoices) -> dict[str, Options]:
    """Return the <select> options of each filter."""
    return {
        "status": [("", "全部"), *((one.value, one.label) for one in CollectionStatus)],
        "batch": [("", "全部"), (NO_BATCH_LABEL, NO_BATCH_LABEL), *choices.batches],
        "register": [("", "全部"), *((one, one) for one in REGISTER_STATUSES)],
        "centre": [("", "全部"), *choices.centres],
        "level": [("", "全部"), *((one, one) for one in choices.levels)],
    }


@blueprint.get("/students")
@roles(*STAFF)
def students() -> str:
    """List the viewer's students."""
    ctx, viewer = current_context(), current_viewer()
    wanted = read_filter()
    page = list_students(ctx, viewer, wanted)
    is_centre = viewer.role is Role.CENTRE
    here = "console.students"
    return render_template(
        "console/students.html",
        title=CENTRE_TITLE if is_centre else "学生",
        page=page,
        wanted=wanted,
        is_filtered=any(getattr(wanted, name) for name in FILTER_NAMES),
        options=list_options(list_choices(ctx, viewer)),
        progress=read_progress(ctx, viewer) if is_centre else None,
        before_url=build_address(here, wanted, before=page.before) if page.before else "",
        after_url=build_address(here, wanted, after=page.after) if page.after else "",
    )


@blueprint.get("/students/<uuid:enrolment_id>")
@roles(*STAFF)
def student(enrolment_id: uuid.UUID) -> str:
    """Show one student's whole story."""
    return _show_student(enrolment_id)


@blueprint.post("/students/<uuid:enrolment_id>/correct")
@roles(Role.ADMIN)
def student_correct(enrolment_id: uuid.UUID) -> str | Response | tuple[str, int]:
    """Unlock a collected photo (勘误)."""
    reason = request.form.get("reason", "")
    try:
        correct_enrolment(current_context(), current_viewer(), enrolment_id, reason)
    except ReasonMissing as error:
        return _show_student(enrolment_id, error=error.shown_message), error.status
    say("已解除锁定,学生需要重新上传照片")
    return redirect(url_for("console.student", enrolment_id=enrolment_id))


def _show_student(enrolment_id: uuid.UUID, error: str = "") -> str:
    view = view_student(current_context(), current_viewer(), enrolment_id)
    return render_template("console/student.html", view=view, error=error)
