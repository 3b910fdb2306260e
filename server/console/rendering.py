"""What every page of the console uses: filters, the frame's data, and pages that show an error."""

from __future__ import annotations

import datetime as dt

from flask import flash, g, render_template
from flask_wtf.csrf import CSRFError
from werkzeug.exceptions import HTTPException
from werkzeug.wrappers import Response as BaseResponse

from models import CollectionStatus
from server.console.access import AddressShutOut, blueprint, may_open
from server.console.navigation import list_group, list_links
from server.errors import CaijiError
from server.gateways.clock import to_local
from server.services.money.amounts import format_yuan

STATUS_TONES = {
    CollectionStatus.NOT_UPLOADED: "secondary",
    CollectionStatus.UPLOADED: "info",
    CollectionStatus.REUPLOAD_REQUIRED: "danger",
    CollectionStatus.REUPLOADED: "info",
    CollectionStatus.COLLECTED: "success",
}
HTTP_TEXTS = {
    400: "请求无法识别，请返回后重试",
    403: "你的角色不能使用这个页面",
    404: "没有找到这个页面",
    405: "不支持这种请求方式",
    413: "上传的内容太大",
    429: "操作太频繁，请稍后再试",
}
Answer = tuple[str, int, dict[str, str]]


@blueprint.app_template_filter("local_time")
def show_local_time(moment: dt.datetime | None) -> str:
    """Show a moment in Asia/Shanghai to the minute; a dash when there is none."""
    return to_local(moment).strftime("%Y-%m-%d %H:%M") if moment else "—"


@blueprint.app_template_filter("yuan")
def show_yuan(amount_fen: int | None) -> str:
    """Show an amount in fen as yuan."""
    return f"{format_yuan(amount_fen)} 元" if amount_fen is not None else "—"


@blueprint.app_template_filter("duration")
def show_duration(span_s: float) -> str:
    """Show seconds as the largest fitting unit."""
    for unit, unit_s in (("天", 86_400), ("小时", 3_600), ("分钟", 60)):
        if span_s >= unit_s:
            return f"{int(span_s // unit_s)} {unit}"
    return "不到 1 分钟"


@blueprint.app_template_filter("status_tone")
def show_status_tone(status: CollectionStatus) -> str:
    """Return the Bootstrap tone of a status badge."""
    return STATUS_TONES[status]


@blueprint.context_processor
def offer_frame() -> dict[str, object]:
    """Give every template who is signed in, the navigation and ``may_open``."""
    viewer = g.get("viewer")
    return {
        "viewer": viewer,
        "nav_links": list_links() if viewer else [],
        "nav_group": list_group() if viewer else [],
        "may_open": may_open,
    }


def say(message: str, tone: str = "success") -> None:
    """Show a message on the next page: ``success``, ``info``, ``warning`` or ``danger``."""
    flash(message, tone)


@blueprint.errorhandler(CaijiError)
def answer_error(error: CaijiError) -> Answer:
    """Show a refused action inside the console's frame."""
    headers = {"Retry-After": str(error.retry_after_s)} if error.retry_after_s else {}
    page = _render(
        error.status, error.shown_message, may_enter=not isinstance(error, AddressShutOut)
    )
    return page, error.status, headers


@blueprint.errorhandler(CSRFError)
def answer_csrf_error(error: CSRFError) -> Answer:
    """Show that a form was too old or came from elsewhere."""
    return _render(400, "页面已过期，请返回刷新后再提交"), 400, {}


@blueprint.errorhandler(HTTPException)
def answer_http_error(error: HTTPException) -> Answer | BaseResponse:
    """Show 403, 404 and their like inside the console's frame."""
    status = error.code or 500
    if status < 400:  # noqa: PLR2004 - redirects are exceptions in werkzeug, too
        return error.get_response()
    return _render(status, HTTP_TEXTS.get(status, "请求无法完成")), status, {}


def _render(status: int, message: str, *, may_enter: bool = True) -> str:
    return render_template(
        "console/error.html", status=status, message=message, may_enter=may_enter
    )
