"""The status page for students outside WeChat: 电子照片采集情况查询 and the 学籍卡."""

from __future__ import annotations

import base64
import datetime as dt

from flask import Blueprint, make_response, redirect, render_template, request
from werkzeug.wrappers import Response

from server.errors import CaijiError, NotFound
from server.gateways.clock import to_local
from server.security.attempts import AttemptLimit
from server.security.known_browser import KnownBrowser
from server.security.throttle import get_attempts, read_address
from server.services.names import normalise_student_no
from server.services.student.public_status import (
    PublicStatus,
    StatusNotFound,
    find_public_status,
    list_contacts,
    read_card_photo,
)
from server.surfaces import get_ctx

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
NEXT_TEXTS = {
    "capture": "打开微信小程序，按提示拍照或上传照片。",
    "wait_check": "照片正在检测，几秒后刷新本页。",
    "chsi_code": "打开微信小程序，填写图像采集码。",
    "pay": "照片已合格，打开微信小程序完成缴费。",
    "wait_money": "已收到付款，财务正在核对，不用再付。",
    "wait_review": "照片已提交，等待学校审核，不用再操作。",
    "recapture": "打开微信小程序重新拍照，已缴的费用不用再付。",
    "done": "照片已采集并锁定，不用再操作。",
}
MISSING_STEPS = frozenset({"capture", "chsi_code", "pay", "recapture"})
"""Where the student has to act before the cut-off."""
BROWSER = KnownBrowser("caiji_status", "/status")


@blueprint.app_context_processor
def offer_filings() -> dict[str, str]:
    """Give the pages the filing numbers that stand at their foot."""
    settings = get_ctx().settings
    return {"icp_filing": settings.icp_filing, "police_filing": settings.police_filing}


@blueprint.get("/")
def home() -> Response:
    """Send a visitor of the bare address to the status page."""
    return redirect("/status")


@blueprint.app_template_filter("local")
def show_local(moment: object) -> str:
    """Show a moment in Asia/Shanghai."""
    return to_local(moment).strftime("%Y-%m-%d %H:%M")  # type: ignore[arg-type]


@blueprint.app_template_filter("local_day")
def show_local_day(moment: dt.datetime) -> str:
    """Show a moment in Asia/Shanghai as people say it: 2026年11月10日 23:59."""
    local = to_local(moment)
    return f"{local.year}年{local.month}月{local.day}日 {local:%H:%M}"


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
            "public/status.html",
            status=None,
            error=error.shown_message,
            typed=student_no,
            contacts=list_contacts(get_ctx()),
        )
        response = make_response(page, error.status)
        if error.retry_after_s is not None:
            response.headers["Retry-After"] = str(error.retry_after_s)
        return response
    response = make_response(
        render_template(
            "public/status.html",
            status=status,
            error=None,
            typed=student_no,
            next_text=NEXT_TEXTS.get(status.next_step, ""),
            is_missing=status.next_step in MISSING_STEPS,
        )
    )
    BROWSER.remember(response, normalise_student_no(student_no).casefold())
    return response


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
    with get_attempts().judge(_list_limits(student_no), StatusNotFound):
        return find_public_status(
            get_ctx(), student_no=student_no, id_tail=request.form.get("id_tail", "")[:20]
        )


def _list_limits(student_no: str) -> list[AttemptLimit]:
    """Return what counts a wrong try; who looked here before has a counter of their own."""
    key = normalise_student_no(student_no).casefold()
    browser = BROWSER.recognise(key)
    if browser is not None:
        return [AttemptLimit(FAILURES_PER_STUDENT, "status-known", f"{browser}:{key}")]
    return [
        AttemptLimit(FAILURES_PER_ADDRESS, "status-address", read_address()),
        AttemptLimit(FAILURES_PER_STUDENT, "status-student", key),
    ]
