"""Prints (打印): sheets of photos to cut, and contact sheets to check faces on paper."""

from __future__ import annotations

import re
import threading
import uuid
from collections.abc import Callable

from flask import redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from models import Role
from server.console.access import blueprint, current_viewer, roles
from server.console.recent_sign_in import require_recent_sign_in
from server.console.rendering import say
from server.errors import CaijiError, NotFound, ServiceBusy
from server.services.overview.list_students import list_choices
from server.services.prints.jobs import (
    PART,
    delete_print,
    list_prints,
    open_print,
    request_print,
    view_print,
)
from server.services.prints.order import (
    MOST_COPIES,
    ORDERS,
    STANDARD,
    PrintMalformed,
    PrintOrder,
    list_print_batches,
    list_print_classes,
    list_print_profiles,
)
from server.services.prints.paper import PAPERS
from server.services.prints.photos import print_student
from server.surfaces import get_ctx

Page = str | Response | tuple[str, int]
AT_ONCE = 2
"""Drawing takes a thread for a moment: uploads and callbacks keep the others."""
CONTACT_ORDERS = ("centre", "seat", "student_no")
SPLIT = re.compile(r"[\s,，;；、]+")

_slots = threading.BoundedSemaphore(AT_ONCE)


@blueprint.get("/prints")
@roles(Role.ADMIN, Role.CENTRE)
def prints() -> Page:
    """Show both forms."""
    if (detour := require_recent_sign_in()) is not None:
        return detour
    return _show()


@blueprint.post("/prints/sheet")
@roles(Role.ADMIN, Role.CENTRE)
def print_sheet() -> Page:
    """Start the sheets of many students."""
    return _request(_read_order)


@blueprint.post("/prints/contact")
@roles(Role.ADMIN, Role.CENTRE)
def print_contact() -> Page:
    """Start the contact sheet of a class."""
    return _request(_read_contact)


@blueprint.get("/prints/<uuid:job_id>")
@roles(Role.ADMIN, Role.CENTRE)
def print_job(job_id: uuid.UUID) -> Page:
    """Show how far one's own job is, then its files; the page renews itself while it runs."""
    view = view_print(get_ctx(), current_viewer(), job_id)
    return render_template("console/print_job.html", view=view, part=PART)


@blueprint.get("/prints/<uuid:job_id>/file.pdf")
@roles(Role.ADMIN, Role.CENTRE)
def print_download(job_id: uuid.UUID) -> Page:
    """Send one finished file, the first where ``part`` names none."""
    text = request.args.get("part", "1")
    part = int(text) if text.isascii() and text.isdigit() and len(text) < 4 else 0  # noqa: PLR2004
    here = url_for("console.print_job", job_id=job_id)
    if (detour := require_recent_sign_in(here)) is not None:
        return detour
    ctx, viewer = get_ctx(), current_viewer()
    what = view_print(ctx, viewer, job_id).what
    return _make_pdf(open_print(ctx, viewer, job_id, part), f"{what}-{part}")


@blueprint.post("/prints/<uuid:job_id>/delete")
@roles(Role.ADMIN, Role.CENTRE)
def print_delete(job_id: uuid.UUID) -> Page:
    """Cancel a job or delete its files."""
    delete_print(get_ctx(), current_viewer(), job_id)
    say("打印文件已取消或删除", "info")
    return redirect(url_for("console.prints"), 303)


@blueprint.post("/students/<uuid:enrolment_id>/print.pdf")
@roles(Role.ADMIN, Role.CENTRE)
def print_one(enrolment_id: uuid.UUID) -> Page:
    """Send a sheet filled with one student's photo."""
    form = request.form
    if (detour := require_recent_sign_in()) is not None:
        return detour
    if not _slots.acquire(blocking=False):
        raise ServiceBusy("正在生成的打印文件较多，请稍后再试", retry_after_s=15)
    try:
        printed = print_student(
            get_ctx(),
            current_viewer(),
            enrolment_id,
            profile=form.get("profile", STANDARD),
            paper=form.get("paper", "6"),
        )
    finally:
        _slots.release()
    return _make_pdf(printed.pdf, "photo")


def _request(read: Callable[[], PrintOrder]) -> Page:
    if (detour := require_recent_sign_in()) is not None:
        return detour
    try:
        job_id = request_print(get_ctx(), current_viewer(), read())
    except NotFound:
        raise
    except CaijiError as error:
        return _show(error.shown_message), error.status
    return redirect(url_for("console.print_job", job_id=job_id), 303)


def _make_pdf(data: bytes, name: str) -> Response:
    response = Response(data, mimetype="application/pdf")
    response.headers["Content-Disposition"] = f'attachment; filename="{name}.pdf"'
    response.headers["Cache-Control"] = "private, no-store"
    return response


def _read_order() -> PrintOrder:
    form = request.form
    return PrintOrder(
        profile=form.get("profile", ""),
        paper=form.get("paper", ""),
        copies=_read_number("copies", -1),
        order=form.get("order", ""),
        batch_id=_read_id(form.get("batch", "")),
        centre_id=_read_id(form.get("centre", "")),
        class_name=form.get("class_name", "").strip()[:60],
        student_nos=tuple(filter(None, SPLIT.split(form.get("student_nos", "")))),
    )


def _read_contact() -> PrintOrder:
    form = request.form
    order = form.get("order", "centre")
    return PrintOrder(
        what="contact",
        order=order if order in CONTACT_ORDERS else "",
        centre_id=_read_id(form.get("centre", "")),
        class_name=form.get("class_name", "").strip()[:60],
    )


def _read_number(name: str, otherwise: int) -> int:
    text = request.form.get(name, "").strip()
    return int(text) if text.isascii() and text.isdigit() and len(text) < 5 else otherwise  # noqa: PLR2004


def _read_id(text: str) -> uuid.UUID | None:
    if not text:
        return None
    try:
        return uuid.UUID(text)
    except ValueError:
        raise PrintMalformed from None


def _show(error: str = "") -> str:
    ctx, viewer = get_ctx(), current_viewer()
    choices = list_choices(ctx, viewer)
    return render_template(
        "console/prints.html",
        profiles=[
            (one.key, f"{one.title}（{one.size_mm[0]:.0f}×{one.size_mm[1]:.0f} 毫米）")
            for one in list_print_profiles(ctx, viewer)
        ],
        papers=[(name, paper.label) for name, paper in PAPERS.items()],
        orders=list(ORDERS.items()),
        batches=[("", "全部批次"), *list_print_batches(ctx, viewer)],
        centres=[("", "全部学习中心"), *choices.centres],
        classes=[("", "全部班级"), *((one, one) for one in list_print_classes(ctx, viewer))],
        values=request.form,
        contact_orders=[(one, ORDERS[one]) for one in CONTACT_ORDERS],
        views=list_prints(ctx, viewer),
        part=PART,
        most_copies=MOST_COPIES,
        error=error,
    )
