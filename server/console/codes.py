"""Feature codes (特征码): list, create, change, switch on and off, and the picture to print."""

from __future__ import annotations

import datetime as dt
import uuid
from typing import Any

from flask import Response, redirect, render_template, request, url_for
from werkzeug.wrappers import Response as BaseResponse

from models import ChsiPolicy, FeatureCode, Role
from server.console.access import blueprint, current_viewer, roles
from server.console.confirmation import ask, is_confirmed
from server.console.forms import FormReader, show_local_input, show_yuan_input
from server.console.rendering import say
from server.services.college.code_picture import draw_code_picture
from server.services.college.codes import CODE_PATTERN, PHOTO_TIPS
from server.services.college.edit_batches import list_batches
from server.services.college.edit_codes import (
    BACKGROUNDS,
    CAPTURE_POLICIES,
    CHSI_POLICIES,
    PROFILES,
    CodeValues,
    change_code,
    create_code,
    get_code,
    list_codes,
    state_of,
    switch_code,
)
from server.services.college.set_up import MAX_FEE_FEN, AlreadyExists
from server.sizes import MAX_PHOTO_BYTES
from server.surfaces import get_ctx

MAX_DAILY = 100
OPTIONS = {
    "profile": list(PROFILES.items()),
    "background": list(BACKGROUNDS.items()),
    "capture_policy": list(CAPTURE_POLICIES.items()),
    "chsi_policy": list(CHSI_POLICIES.items()),
}
NEW = {"profile": "moe-2017", "background": "auto", "daily_submissions": "10", "fee": "20.00"}
Page = str | BaseResponse | tuple[str, int]


@blueprint.get("/codes")
@roles(Role.ADMIN)
def codes() -> Page:
    """List the codes."""
    return render_template("console/codes.html", rows=list_codes(get_ctx(), current_viewer()))


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
            code_id = create_code(get_ctx(), current_viewer(), code=code, values=values)
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
    row = get_code(get_ctx(), current_viewer(), code_id)
    if request.method == "GET":
        return _show_form(row, _fill_in(row), {})
    form = FormReader(request.form)
    values = _read_values(form, row)
    if form.errors:
        return _show_form(row, request.form, form.errors), 422
    if change_code(get_ctx(), current_viewer(), code_id, values):
        say("已保存")
    else:
        say("没有改动", "info")
    return redirect(url_for("console.code", code_id=code_id), 303)


@blueprint.post("/codes/<uuid:code_id>/enable")
@roles(Role.ADMIN)
def code_enable(code_id: uuid.UUID) -> Page:
    """Switch a code on."""
    name = switch_code(get_ctx(), current_viewer(), code_id, is_enabled=True)
    say(f"特征码 {name} 已启用")
    return redirect(url_for("console.code", code_id=code_id), 303)


@blueprint.post("/codes/<uuid:code_id>/disable")
@roles(Role.ADMIN)
def code_disable(code_id: uuid.UUID) -> Page:
    """Switch a code off; asks first."""
    row = get_code(get_ctx(), current_viewer(), code_id)
    if not is_confirmed():
        return ask(
            f"停用特征码 {row.code}",
            "确认停用",
            url_for("console.code", code_id=code_id),
            "学生输入这个特征码会看到“无效”，不能再绑定。",
            "已绑定的学生、照片和缴费不变；需要时可以重新启用。",
        )
    name = switch_code(get_ctx(), current_viewer(), code_id, is_enabled=False)
    say(f"特征码 {name} 已停用，学生不能再使用")
    return redirect(url_for("console.code", code_id=code_id), 303)


@blueprint.get("/codes/<uuid:code_id>/print")
@roles(Role.ADMIN)
def code_print(code_id: uuid.UUID) -> Page:
    """Show the notice to print and hang up."""
    row = get_code(get_ctx(), current_viewer(), code_id)
    picture = draw_code_picture(get_ctx(), row.code)
    return render_template("console/code_print.html", code=row, is_wechat=picture.is_wechat)


@blueprint.get("/codes/<uuid:code_id>/picture")
@roles(Role.ADMIN)
def code_picture(code_id: uuid.UUID) -> Response:
    """Send the picture that opens the mini-program."""
    row = get_code(get_ctx(), current_viewer(), code_id)
    picture = draw_code_picture(get_ctx(), row.code)
    headers = {"Cache-Control": "private, max-age=300" if picture.is_wechat else "no-store"}
    return Response(picture.data, mimetype=picture.content_type, headers=headers)


def _read_values(form: FormReader, row: FeatureCode | None = None) -> CodeValues:
    values = CodeValues(
        fee_fen=form.yuan("fee", least_fen=0, most_fen=MAX_FEE_FEN),
        profile=form.choice("profile", PROFILES),
        background=form.choice("background", BACKGROUNDS),
        capture_policy=form.choice("capture_policy", CAPTURE_POLICIES),
        pay_first=form.box("pay_first"),
        chsi_policy=_read_chsi_policy(form, row),
        daily_submissions=form.integer("daily_submissions", least=1, most=MAX_DAILY),
        opens_at=form.moment("opens_at"),
        closes_at=_to_last_second(form.moment("closes_at")),
    )
    opens_at, closes_at = values.opens_at, values.closes_at
    if opens_at and closes_at and opens_at >= closes_at.replace(second=0):
        form.errors["closes_at"] = "结束时间必须晚于开始时间"
    only = {"moe-2017-blue": "blue", "moe-2017-white": "white"}.get(values.profile)
    if only and values.background not in {"auto", "keep", only}:
        form.errors["background"] = "这个标准不接受所选的背景颜色"
    return values


def _to_last_second(moment: dt.datetime | None) -> dt.datetime | None:
    """Return the end of the minute that was typed: until 23:59 means all of it."""
    return moment.replace(second=59) if moment else None


def _read_chsi_policy(form: FormReader, row: FeatureCode | None) -> ChsiPolicy:
    """Return the policy; a form without it changes nothing, and a wrong one is refused."""
    present = row.chsi_policy if row is not None else ChsiPolicy.OFF
    if not request.form.get("chsi_policy"):
        return present
    chosen = form.choice("chsi_policy", CHSI_POLICIES)
    return ChsiPolicy(chosen) if "chsi_policy" not in form.errors else present


def _fill_in(row: FeatureCode) -> dict[str, str]:
    return {
        "fee": show_yuan_input(row.fee_fen),
        "profile": row.profile,
        "background": row.background,
        "capture_policy": row.capture_policy,
        "pay_first": "yes" if row.pay_first else "",
        "chsi_policy": row.chsi_policy.value,
        "daily_submissions": str(row.daily_submissions),
        "opens_at": show_local_input(row.opens_at),
        "closes_at": show_local_input(row.closes_at),
    }


def _show_form(row: FeatureCode | None, values: Any, errors: dict[str, str]) -> str:
    ctx, viewer = get_ctx(), current_viewer()
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
