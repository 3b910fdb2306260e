"""人脸比对: the switch of a college, what it needs, and what the hints mean."""

from __future__ import annotations

import uuid

from flask import redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from models import Photo, Role
from server.console.access import blueprint, current_viewer, roles
from server.console.confirmation import ask, is_confirmed
from server.console.photos import note_picture, send_picture
from server.console.rendering import say
from server.errors import CaijiError, NotFound
from server.services.bounded_zip import ZipRefused
from server.services.faces.hints import count_measured, list_all_hints, list_muted
from server.services.faces.references import (
    MOST_PICTURES,
    UNFINISHED,
    FacesSwitchedOff,
    ReferenceBusy,
    count_references,
    list_imports,
    read_shown_reference,
    receive_references,
    remove_references,
    view_import,
)
from server.services.faces.run_references import FAULTS, MOST_LISTED
from server.services.faces.switch import read_switch, set_switch
from server.services.viewer import get_visible
from server.surfaces import get_ctx

Page = str | Response | tuple[str, int]


@blueprint.get("/faces")
@roles(Role.ADMIN, Role.AUDITOR)
def faces() -> Page:
    """Show whether faces are compared, and what that needs."""
    return _show()


@blueprint.post("/faces")
@roles(Role.ADMIN)
def faces_change() -> Page:
    """Change whether faces are compared; both ways ask first."""
    wants_on = request.form.get("is_on") == "yes"
    if not is_confirmed():
        consequences = (
            (
                "只比对单独同意了人脸比对的学生；没有同意的学生照样采集，由人审核。",
                "比对只给审核员提示，不会退回照片，学生看不到。",
            )
            if wants_on
            else ("已保存的人脸特征、参考照片和提示立即全部删除，不能恢复。",)
        )
        title = "开启人脸比对？" if wants_on else "关闭人脸比对？"
        button = "开启" if wants_on else "关闭并删除"
        return ask(title, button, url_for("console.faces"), *consequences)
    set_switch(get_ctx(), current_viewer(), is_on=wants_on)
    say("已开启人脸比对" if wants_on else "已关闭，人脸特征已全部删除")
    return redirect(url_for("console.faces"), 303)


@blueprint.post("/faces/references")
@roles(Role.ADMIN)
def face_references() -> Page:
    """Take in a zip of reference pictures; the worker reads it."""
    file = request.files.get("zip")
    if file is None or not file.filename:
        error = ZipRefused("请选择一个 zip 文件")
        return _show(error), error.status
    try:
        job_id = receive_references(get_ctx(), current_viewer(), file.stream)
    except (ZipRefused, FacesSwitchedOff, ReferenceBusy) as refusal:
        return _show(refusal), refusal.status
    return redirect(url_for("console.face_references_job", job_id=job_id), 303)


@blueprint.get("/faces/references/<uuid:job_id>")
@roles(Role.ADMIN)
def face_references_job(job_id: uuid.UUID) -> Page:
    """Show how far an import is, then what became of each file."""
    job = view_import(get_ctx(), current_viewer(), job_id)
    return render_template(
        "console/face_references.html",
        job=job,
        is_under_way=job.state in UNFINISHED,
        faults=FAULTS,
        most_listed=MOST_LISTED,
    )


@blueprint.post("/faces/references/remove")
@roles(Role.ADMIN)
def face_references_remove() -> Page:
    """Delete every reference of the college, after asking."""
    if not is_confirmed():
        return ask(
            "删除全部参考照片？",
            "删除",
            url_for("console.face_references_remove"),
            "参考照片、它们的人脸特征和由此得到的提示立即删除，不能恢复；学生提交的照片不受影响。",
        )
    count = remove_references(get_ctx(), current_viewer())
    say(f"已删除 {count} 名学生的参考照片")
    return redirect(url_for("console.faces"), 303)


@blueprint.get("/photos/<uuid:photo_id>/reference.jpg")
@roles(Role.ADMIN, Role.REVIEWER)
def photo_reference(photo_id: uuid.UUID) -> Response:
    """Send the reference that stands beside a photo in a hint."""
    ctx = get_ctx()
    with ctx.db.read() as session:
        photo = session.get(Photo, photo_id)
        if photo is None:
            raise NotFound
        get_visible(session, current_viewer(), photo.enrolment_id)
    data = read_shown_reference(ctx, photo_id)
    note_picture(photo_id, "reference")
    return send_picture(data, "image/jpeg")


def _show(error: CaijiError | None = None) -> str:
    ctx, viewer = get_ctx(), current_viewer()
    is_on, is_assessed, has_key = read_switch(ctx, viewer)
    return render_template(
        "console/faces.html",
        is_on=is_on,
        is_assessed=is_assessed,
        has_key=has_key,
        measured=count_measured(ctx, viewer),
        hints=list_all_hints(ctx, viewer),
        muted=list_muted(ctx, viewer),
        references=count_references(ctx, viewer),
        imports=list_imports(ctx, viewer),
        most_pictures=MOST_PICTURES,
        error=error.shown_message if error else "",
    )
