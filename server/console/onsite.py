"""现场采集: find the student by 学号, ask for consent, take the photo with this device's camera."""

from __future__ import annotations

import uuid

from flask import make_response, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from models import PhotoState, Role
from server.console.access import blueprint, current_viewer, roles
from server.errors import CaijiError, NotFound
from server.services.college.batches import WouldLoseBatch
from server.services.onsite.take import (
    IDENTITIES,
    StudentUnknown,
    agree_on_site,
    find_student,
    take_photo,
    view_on_site,
)
from server.services.photo.submit import wait_for_verdict
from server.sizes import MAX_PHOTO_BYTES
from server.surfaces import get_ctx

Page = str | Response | tuple[str, int]
CAMERA_HERE = "camera=(self), geolocation=(), microphone=(), payment=()"
"""The one page of the console that may open a camera."""


@blueprint.route("/onsite", methods=["GET", "POST"])
@roles(Role.ADMIN, Role.CENTRE)
def onsite() -> Page:
    """Ask for the 学号 of the student who stands there."""
    error = ""
    if request.method == "POST":
        try:
            found = find_student(get_ctx(), current_viewer(), request.form.get("student_no", ""))
            return redirect(url_for("console.onsite_student", enrolment_id=found), 303)
        except StudentUnknown as unknown:
            error = unknown.shown_message
    page = render_template(
        "console/onsite.html", error=error, student_no=request.form.get("student_no", "")
    )
    return (page, 422) if error else page


@blueprint.get("/onsite/<uuid:enrolment_id>")
@roles(Role.ADMIN, Role.CENTRE)
def onsite_student(enrolment_id: uuid.UUID) -> Response:
    """Show consent, camera or verdict: whatever comes next for this student."""
    return _show(enrolment_id)


@blueprint.post("/onsite/<uuid:enrolment_id>/agree")
@roles(Role.ADMIN, Role.CENTRE)
def onsite_agree(enrolment_id: uuid.UUID) -> Response:
    """Record what the student agreed to on this screen."""
    form = request.form
    try:
        agree_on_site(
            get_ctx(),
            current_viewer(),
            enrolment_id,
            identity=form.get("identity", ""),
            kinds=form.getlist("kind"),
            code_id=_read_id(form.get("code")),
        )
    except NotFound:
        raise
    except CaijiError as error:
        return _show(enrolment_id, error.shown_message, error.status)
    return redirect(url_for("console.onsite_student", enrolment_id=enrolment_id), 303)


@blueprint.post("/onsite/<uuid:enrolment_id>/photo")
@roles(Role.ADMIN, Role.CENTRE)
def onsite_photo(enrolment_id: uuid.UUID) -> Response:
    """Take a photo in, and show its verdict where that is near."""
    ctx, viewer = get_ctx(), current_viewer()
    sent = request.files.get("photo")
    data = sent.stream.read(MAX_PHOTO_BYTES + 1) if sent else b""
    try:
        photo_id = take_photo(
            ctx,
            viewer,
            enrolment_id,
            data=data,
            identity=request.form.get("identity", ""),
            is_confirmed=request.form.get("confirm") == "yes",
        )
    except NotFound:
        raise
    except WouldLoseBatch as error:
        return _show(enrolment_id, error.shown_message, error.status, asks_to_confirm=True)
    except CaijiError as error:
        return _show(enrolment_id, error.shown_message, error.status)
    wait_for_verdict(ctx, photo_id, ctx.settings.verdict_wait_s)
    return redirect(
        url_for("console.onsite_student", enrolment_id=enrolment_id, photo=photo_id), 303
    )


def _show(
    enrolment_id: uuid.UUID, error: str = "", status: int = 200, *, asks_to_confirm: bool = False
) -> Response:
    view = view_on_site(get_ctx(), current_viewer(), enrolment_id)
    taken = _read_id(request.args.get("photo"))
    latest = view.latest if view.latest is not None and view.latest.id == taken else None
    response = make_response(
        render_template(
            "console/onsite_student.html",
            view=view,
            photo=latest,
            is_checking=latest is not None and latest.state is PhotoState.RECEIVED,
            identities=IDENTITIES,
            error=error,
            asks_to_confirm=asks_to_confirm,
        ),
        status,
    )
    response.headers["Permissions-Policy"] = CAMERA_HERE
    return response


def _read_id(text: str | None) -> uuid.UUID | None:
    try:
        return uuid.UUID(text or "")
    except ValueError:
        return None
