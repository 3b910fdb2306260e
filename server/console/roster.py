"""Roster import (名单导入): template, upload, what it would do, confirmation and progress."""

from __future__ import annotations

import uuid

from flask import Response, redirect, render_template, request, url_for
from werkzeug.wrappers import Response as BaseResponse

from models import Role
from server.console.access import blueprint, current_viewer, roles
from server.console.rendering import say
from server.services.roster.columns import COLUMNS, REQUIRED_COLUMNS, RosterUnreadable
from server.services.roster.template import write_template
from server.services.roster.uploads import (
    confirm_roster,
    discard_roster,
    find_roster,
    is_importable,
    list_rosters,
    read_faults,
    receive_roster,
)
from server.surfaces import get_ctx

XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
UNDER_WAY = {"receiving", "queued", "running"}
Page = str | BaseResponse | tuple[str, int]


@blueprint.get("/roster")
@roles(Role.ADMIN)
def roster() -> Page:
    """Show the upload form and the latest imports."""
    return _show_form()


@blueprint.get("/roster/template.xlsx")
@roles(Role.ADMIN)
def roster_template() -> Response:
    """Send the empty template."""
    return Response(write_template(), mimetype=XLSX, headers=_save_as("roster-template.xlsx"))


@blueprint.post("/roster")
@roles(Role.ADMIN)
def roster_upload() -> Page:
    """Receive a file; the worker checks it, and nothing is imported before somebody confirms."""
    upload = request.files.get("file")
    try:
        job_id = receive_roster(
            get_ctx(),
            current_viewer(),
            data=upload.read() if upload else b"",
            file_name=(upload.filename or "") if upload else "",
            can_create_centres=request.form.get("create_centres") == "yes",
        )
    except RosterUnreadable as error:
        return _show_form(error=error.shown_message), error.status
    return redirect(url_for("console.roster_job", job_id=job_id), 303)


@blueprint.get("/roster/<uuid:job_id>")
@roles(Role.ADMIN)
def roster_job(job_id: uuid.UUID) -> Page:
    """Show the progress of a roster, what it would do, or what it did."""
    job = find_roster(get_ctx(), current_viewer(), job_id)
    return render_template(
        "console/roster_job.html",
        job=job,
        found=job.result,
        is_under_way=job.state in UNDER_WAY,
        is_importable=is_importable(job),
    )


@blueprint.post("/roster/<uuid:job_id>/confirm")
@roles(Role.ADMIN)
def roster_confirm(job_id: uuid.UUID) -> Page:
    """Let a checked roster be imported."""
    confirm_roster(
        get_ctx(),
        current_viewer(),
        job_id,
        replaced=request.form.getlist("replaced"),
    )
    return redirect(url_for("console.roster_job", job_id=job_id), 303)


@blueprint.post("/roster/<uuid:job_id>/discard")
@roles(Role.ADMIN)
def roster_discard(job_id: uuid.UUID) -> Page:
    """Throw a roster away that was not confirmed."""
    discard_roster(get_ctx(), current_viewer(), job_id)
    say("名单文件已删除，没有导入任何学生", "info")
    return redirect(url_for("console.roster"), 303)


@blueprint.get("/roster/<uuid:job_id>/errors.csv")
@roles(Role.ADMIN)
def roster_faults(job_id: uuid.UUID) -> Response:
    """Send every error of a checked roster."""
    data = read_faults(get_ctx(), current_viewer(), job_id)
    headers = _save_as("roster-errors.csv") | {"Cache-Control": "no-store"}
    return Response(data, mimetype="text/csv", headers=headers)


def _show_form(error: str = "") -> str:
    return render_template(
        "console/roster.html",
        jobs=list_rosters(get_ctx(), current_viewer()),
        columns=COLUMNS,
        required=REQUIRED_COLUMNS,
        under_way=UNDER_WAY,
        creates_centres=request.form.get("create_centres") == "yes",
        error=error,
    )


def _save_as(name: str) -> dict[str, str]:
    return {"Content-Disposition": f'attachment; filename="{name}"'}
