"""The status page for students outside WeChat: 电子照片采集情况查询 and the 学籍卡."""

from __future__ import annotations

import base64

from flask import Blueprint, current_app, make_response, redirect, render_template, request
from flask_limiter.util import get_remote_address
from werkzeug.wrappers import Response

from server.api.access import get_ctx
from server.errors import CaijiError, NotFound
from server.gateways.clock import to_local
from server.security.throttle import FailureCounter
from server.services.public_status import (
    PublicStatus,
    StatusNotFound,
    find_public_status,
    read_card_photo,
)

blueprint = Blueprint(
    "public",
    __name__,
    template_folder="templates",
    static_folder="static",
    static_url_path="/status/static",
)

# A family behind one address may mistype; a guesser of six digits may not go on.
FAILURES_PER_ADDRESS = "20/hour"
FAILURES_PER_STUDENT = "10/hour"


@blueprint.get("/")
def home() -> Response:
    """Send a visitor of the bare address to the status page."""
    return redirect("/status")


@blueprint.app_template_filter("local")
def show_local(moment: object) -> str:
    """Show a moment in Asia/Shanghai."""
    return to_local(moment).strftime("%Y-%m-%d %H:%M")  # type: ignore[arg-type]


@blueprint.get("/status")
def ask() -> str:
    """Show the form."""
    return render_template("public/status.html", status=None, error=None, typed="")


@blueprint.post("/status")
def show() -> Response:
    """Show the status, or one answer for everything that does not fit."""
    student_no = request.form.get("student_no", "")[:40]
    try:
        status = _find(student_no)
    except CaijiError as error:
        page = render_template(
            "public/status.html", status=None, error=error.shown_message, typed=student_no
        )
        response = make_response(page, error.status)
        if error.retry_after_s is not None:
            response.headers["Retry-After"] = str(error.retry_after_s)
        return response
    return make_response(
        render_template("public/status.html", status=status, error=None, typed=student_no)
    )


@blueprint.post("/status/card")
def show_card() -> str:
    """Show the 学籍卡 to print, once its date has come."""
    status = _find(request.form.get("student_no", "")[:40])
    if status.card_photo is None:
        raise NotFound("学籍卡照片尚未公布")
    photo = read_card_photo(
        get_ctx(),
        student_no=status.enrolment.student_no,
        id_tail=request.form.get("id_tail", ""),
    )
    return render_template(
        "public/card.html", status=status, photo=base64.b64encode(photo).decode()
    )


def _find(student_no: str) -> PublicStatus:
    limiter = current_app.extensions["caiji_limiter"]
    by_address = FailureCounter(limiter, FAILURES_PER_ADDRESS, "status-address")
    by_student = FailureCounter(limiter, FAILURES_PER_STUDENT, "status-student")
    address = get_remote_address()
    by_address.refuse_if_exceeded(address)
    by_student.refuse_if_exceeded(student_no)
    try:
        return find_public_status(
            get_ctx(), student_no=student_no, id_tail=request.form.get("id_tail", "")[:20]
        )
    except StatusNotFound:
        by_address.count(address)
        by_student.count(student_no)
        raise
