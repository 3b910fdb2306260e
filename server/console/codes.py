"""Feature codes (特征码): list, create, change, switch on and off, and the picture to print."""

from __future__ import annotations

import uuid
from typing import Any

from flask import Response, redirect, render_template, request, url_for
from werkzeug.wrappers import Response as BaseResponse

from models import FeatureCode, Role
from server.console.access import blueprint, current_context, current_viewer, roles
from server.console.forms import FormReader, show_local_input, show_yuan_input
from server.console.rendering import say
from server.services.code_picture import draw_code_picture
from server.services.edit_batches import list_batches
from server.services.edit_feature_codes import (
    BACKGROUNDS,
    CAPTURE_POLICIES,
    PROFILES,
    CodeValues,
    change_code,
    create_code,
    get_code,
    list_codes,
    state_of,
    switch_code,
)
from server.services.feature_codes import CODE_PATTERN, PHOTO_TIPS
from server.services.manage_institution import MAX_FEE_FEN, AlreadyExists
from server.services.submit_photo import MAX_PHOTO_BYTES

MAX_DAILY = 100
OPTIONS = {
    "profile": list(PROFILES.items()),
    "background": list(BACKGROUNDS.items()),
    "capture_policy": list(CAPTURE_POLICIES.items()),
}
NEW = {"profile": "moe-2017", "background": "keep", "daily_submissions": "10", "fee": "20.00"}
Page = str | BaseResponse | tuple[str, int]


@blueprint.get("/codes")
@roles(Role.ADMIN)
def codes() -> Page:
    """List the codes."""
    return render_template(
        "console/codes.html", rows=list_codes(current_context(), current_viewer())
    )


@blueprint.route("/codes/new", methods=["GET", "POST"])
@roles(Role.ADMIN)
def code_new() -> Page:
    """Create a code."""
    if request.method == "GET":
        return _show_form(None, NEW, {})
    form = FormReader(request.form)
    code = form.matching("code", CODE_PATTERN, "特征码应为 4-8 位字母或数字")
    values = _read_values(form)
    if not form.errors:
        try:
            code_id = create_code(current_context(), current_viewer(), code=code, values=values)
        except AlreadyExists:
            form.errors["code"] = "这个特征码已被使用"
        else:
            say(f"特征码 {code} 已建立")
            return redirect(url_for("console.code", code_id=code_id), 303)
    return _show_form(None, request.form, form.errors), 422


@blueprint.route("/codes/<uuid:code_id>", methods=["GET", "POST"])
@roles(Role.ADMIN)
def code(code_id: uuid.UUID) -> Page:
    """Show a code, what its students see, and change it."""
    row = get_code(current_context(), current_viewer(), code_id)
    if request.method == "GET":
        return _show_form(row, _fill_in(row), {})
    form = FormReader(request.form)
    values = _read_values(form)
    if form.errors:
        return _show_form(row, request.form, form.errors), 422
    if change_code(current_context(), current_viewer(), code_id, values):
        say("已保存")
    else:
        say("没有改动", "info")
    return redirect(url_for("console.code", code_id=code_id), 303)


@blueprint.post("/codes/<uuid:code_id>/enable")
@roles(Role.ADMIN)
def code_enable(code_id: uuid.UUID) -> Page:
    """Switch a code on."""
    name = switch_code(current_context(), current_viewer(), code_id, is_enabled=True)
    say(f"特征码 {name} 已启用")
    return redirect(url_for("console.code", code_id=code_id), 303)


@blueprint.post("/codes/<uuid:code_id>/disable")
@roles(Role.ADMIN)
def code_disable(code_id: uuid.UUID) -> Page:
    """Switch a code off."""
    name = switch_code(current_context(), current_viewer(), code_id, is_enabled=False)
    say(f"特征码 {name} 已停用,学生不能再使用")
    return redirect(url_for("console.code", code_id=code_id), 303)


@blueprint.get("/codes/<uuid:code_id>/print")
@roles(Role.ADMIN)
def code_print(code_id: uuid.UUID) -> Page:
    """Show the notice to print and hang up."""
    row = get_code(current_context(), current_viewer(), code_id)
    picture = draw_code_picture(current_context(), row.code)
    return render_template("console/code_print.html", code=row, is_wechat=picture.is_wechat)


@blueprint.get("/codes/<uuid:code_id>/picture")
@roles(Role.ADMIN)
def code_picture(code_id: uuid.UUID) -> Response:
    """Send the picture that opens the mini-program."""
    row = get_code(current_context(), current_viewer(), code_id)
    picture = draw_code_picture(current_context(), row.code)
    headers = {"Cache-Control": "private, max-age=300" if picture.is_wechat else "no-store"}
    return Response(picture.data, mimetype=picture.content_type, headers=headers)


def _read_values(form: FormReader) -> CodeValues:
    values = CodeValues(
        fee_fen=form.yuan("fee", least_fen=1, most_fen=MAX_FEE_FEN),
        profile=form.choice("profile", PROFILES),
        background=form.choice("background", BACKGROUNDS),
        capture_policy=form.choice("capture_policy", CAPTURE_POLICIES),
        pay_first=form.box("pay_first"),
        daily_submissions=form.integer("daily_submissions", least=1, most=MAX_DAILY),
        opens_at=form.moment("opens_at"),
        closes_at=form.moment("closes_at"),
    )
    if values.opens_at and values.closes_at and values.opens_at >= values.closes_at:
        form.errors["closes_at"] = "结束时间必须晚于开始时间"
    only = {"moe-2017-blue": "blue", "moe-2017-white": "white"}.get(values.profile)
    if only and values.background not in {"keep", only}:
        form.errors["background"] = "这个标准不接受所选的背景颜色"
    return values


def _fill_in(row: FeatureCode) -> dict[str, str]:
    return {
        "fee": show_yuan_input(row.fee_fen),
        "profile": row.profile,
        "background": row.background,
        "capture_policy": row.capture_policy,
        "pay_first": "yes" if row.pay_first else "",
        "daily_submissions": str(row.daily_submissions),
        "opens_at": show_local_input(row.opens_at),
        "closes_at": show_local_input(row.closes_at),
    }


def _show_form(row: FeatureCode | None, values: Any, errors: dict[str, str]) -> str:
    ctx, viewer = current_context(), current_viewer()
    following = [one.batch for one in list_batches(ctx, viewer) if one.is_next]
    return render_template(
        "console/code.html",
        code=row,
        values=values,
        errors=errors,
        options=OPTIONS,
        state=state_of(row, ctx.now()) if row else None,
        batch=following[0] if following else None,
        tips=PHOTO_TIPS,
        max_mb=MAX_PHOTO_BYTES >> 20,
    )
