"""现场采集 from a folder of camera files: upload, see who got which, confirm."""

from __future__ import annotations

import uuid

from flask import redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from models import Role
from server.console.access import blueprint, current_viewer, roles
from server.console.rendering import say
from server.services.bounded_zip import ZipRefused
from server.services.onsite.folder import (
    MAX_FILES,
    FolderUnreadable,
    SentFile,
    confirm_folder,
    discard_folder,
    find_folder,
    list_folders,
    name_students,
    receive_folder,
    rows_of,
)
from server.services.onsite.shot_list import ShotListUnreadable
from server.surfaces import get_ctx

Page = str | Response | tuple[str, int]
UNDER_WAY = ("receiving", "queued", "running")


@blueprint.route("/onsite/folder", methods=["GET", "POST"])
@roles(Role.ADMIN, Role.CENTRE)
def onsite_folder() -> Page:
    """Take in a zip, or many files with their list; nothing is written to a student yet."""
    ctx, viewer = get_ctx(), current_viewer()
    if request.method == "GET":
        return _show_form()
    sent = [
        SentFile(file.filename, file.stream)
        for file in request.files.getlist("files")
        if file.filename
    ]
    try:
        job_id = receive_folder(ctx, viewer, sent)
    except (FolderUnreadable, ShotListUnreadable, ZipRefused) as error:
        return _show_form(error.shown_message), error.status
    return redirect(url_for("console.onsite_folder_job", job_id=job_id), 303)


@blueprint.get("/onsite/folder/<uuid:job_id>")
@roles(Role.ADMIN, Role.CENTRE)
def onsite_folder_job(job_id: uuid.UUID) -> Page:
    """Show who gets which, then what became of it."""
    ctx, viewer = get_ctx(), current_viewer()
    job = find_folder(ctx, viewer, job_id)
    rows = rows_of(job)
    return render_template(
        "console/onsite_folder_job.html",
        job=job,
        rows=rows,
        good=sum(not row["fault"] for row in rows),
        students=name_students(ctx, viewer, job),
        is_under_way=job.state in UNDER_WAY,
    )


@blueprint.post("/onsite/folder/<uuid:job_id>/confirm")
@roles(Role.ADMIN, Role.CENTRE)
def onsite_folder_confirm(job_id: uuid.UUID) -> Page:
    """Let the worker write every row without a fault."""
    confirm_folder(get_ctx(), current_viewer(), job_id)
    return redirect(url_for("console.onsite_folder_job", job_id=job_id), 303)


@blueprint.post("/onsite/folder/<uuid:job_id>/discard")
@roles(Role.ADMIN, Role.CENTRE)
def onsite_folder_discard(job_id: uuid.UUID) -> Page:
    """Throw the files away."""
    discard_folder(get_ctx(), current_viewer(), job_id)
    say("照片文件已删除，没有写入任何学生", "info")
    return redirect(url_for("console.onsite_folder"), 303)


def _show_form(error: str = "") -> str:
    jobs = list_folders(get_ctx(), current_viewer())
    return render_template("console/onsite_folder.html", jobs=jobs, most=MAX_FILES, error=error)
