"""权利申请: requests for correction and deletion, by the day on which they must be answered."""

from __future__ import annotations

import uuid

from flask import redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from models import Role
from server.console.access import blueprint, current_viewer, roles
from server.console.confirmation import ask, is_confirmed
from server.console.recent_sign_in import require_recent_sign_in
from server.console.rendering import say
from server.services.compliance.certificate import is_genuine
from server.services.compliance.kept_by_law import OF_A_PERSON
from server.services.rights.carry_out import (
    MoneyUnsettled,
    carry_out_deletion,
    finish_correction,
)
from server.services.rights.requests import (
    ANSWER_LENGTH,
    ANSWER_WITHIN_WORKING_DAYS,
    SOURCES,
    AnswerMissing,
    grant,
    list_requests,
    refuse,
    view_request,
)
from server.surfaces import get_ctx

Page = str | Response | tuple[str, int]
GRANT, REFUSE, FINISH = "grant", "refuse", "finish"


@blueprint.get("/requests")
@roles(Role.ADMIN, Role.AUDITOR)
def requests() -> Page:
    """List the open requests, the most urgent first, or the finished ones."""
    is_finished = request.args.get("state", "") == "finished"
    ctx = get_ctx()
    return render_template(
        "console/data_requests.html",
        views=list_requests(ctx, current_viewer(), is_finished=is_finished),
        is_finished=is_finished,
        days=ANSWER_WITHIN_WORKING_DAYS,
        sources=SOURCES,
        now=ctx.now(),
    )


@blueprint.get("/requests/<uuid:request_id>")
@roles(Role.ADMIN, Role.AUDITOR)
def request_one(request_id: uuid.UUID) -> Page:
    """Show one request, its decision and its certificate."""
    return _show(request_id)


@blueprint.post("/requests/<uuid:request_id>")
@roles(Role.ADMIN)
def request_decide(request_id: uuid.UUID) -> Page:
    """Decide a request, or note that it is carried out."""
    ctx, viewer = get_ctx(), current_viewer()
    view = view_request(ctx, viewer, request_id)
    act, answer = request.form.get("act", ""), request.form.get("answer", "")
    is_deletion = view.row.kind.value == "deletion"
    try:
        if act == REFUSE:
            refuse(ctx, viewer, request_id, answer)
            say("已回复，学生会收到通知")
        elif act == GRANT:
            grant(ctx, viewer, request_id, answer)
            say("已同意，学生会收到通知。办好后在下面办结")
        elif act == FINISH and not is_deletion:
            finish_correction(ctx, viewer, request_id)
            say("已办结")
        elif act == FINISH:
            if (detour := require_recent_sign_in()) is not None:
                return detour
            if not is_confirmed():
                return _ask_about_deletion(request_id)
            carry_out_deletion(ctx, viewer, request_id)
            say("已删除，证明在下面")
    except (AnswerMissing, MoneyUnsettled) as error:
        return _show(request_id, error.shown_message), error.status
    return redirect(url_for("console.request_one", request_id=request_id), 303)


def _ask_about_deletion(request_id: uuid.UUID) -> str:
    kept = "、".join(f"{each.what}{each.period}" for each in OF_A_PERSON.values())
    return ask(
        "执行删除",
        "删除",
        url_for("console.request_one", request_id=request_id),
        "这名学生的姓名、学号、证件号码、手机号和全部照片文件立即删除，不能恢复。",
        "学历注册还没有完成的，以后不能再用这些照片办理。",
        f"依法保留：{kept}。",
    )


def _show(request_id: uuid.UUID, error: str = "") -> str:
    ctx = get_ctx()
    view = view_request(ctx, current_viewer(), request_id)
    return render_template(
        "console/data_request.html",
        view=view,
        row=view.row,
        error=error,
        sources=SOURCES,
        longest=ANSWER_LENGTH,
        is_overdue=view.is_overdue(ctx.now()),
        is_genuine=is_genuine(view.row.certificate) if view.row.certificate else False,
    )
