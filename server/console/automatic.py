"""自动通过: the switch, the share drawn for people, and how often the machine was wrong."""

from __future__ import annotations

from flask import redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from models import Role
from server.console.access import blueprint, current_viewer, roles
from server.console.confirmation import ask, is_confirmed
from server.console.forms import FormReader
from server.console.rendering import say
from server.services.review.automatic import DRAW_PERCENT, read_automatic, set_automatic
from server.surfaces import get_ctx

Page = str | Response | tuple[str, int]


@blueprint.get("/automatic")
@roles(Role.ADMIN, Role.AUDITOR)
def automatic() -> Page:
    """Show automatic approval."""
    figures = read_automatic(get_ctx(), current_viewer())
    values = {"is_on": figures.is_on, "draw_percent": str(figures.draw_percent)}
    return render_template("console/automatic.html", automatic=figures, values=values, error="")


@blueprint.post("/automatic")
@roles(Role.ADMIN)
def automatic_change() -> Page:
    """Change automatic approval; turning it on asks first."""
    ctx, viewer = get_ctx(), current_viewer()
    figures = read_automatic(ctx, viewer)
    form = FormReader(request.form)
    is_on = form.box("is_on")
    percent = form.integer("draw_percent", least=DRAW_PERCENT[0], most=DRAW_PERCENT[1])
    if form.errors:
        values = {"is_on": is_on, "draw_percent": request.form.get("draw_percent", "")}
        error = form.errors["draw_percent"]
        page = render_template(
            "console/automatic.html", automatic=figures, values=values, error=error
        )
        return page, 422
    if is_on and not figures.is_on and not is_confirmed():
        return ask(
            "开启自动通过？",
            "开启",
            url_for("console.automatic"),
            "检测没有任何提示的照片，提交满一小时后不再经过人就锁定并通知学生；只有管理员勘误才能改。",
            f"其中 {percent}% 随机抽出来由人审核，概览上会显示人退回了多少。",
        )
    set_automatic(ctx, viewer, is_on=is_on, draw_percent=percent)
    say("已保存")
    return redirect(url_for("console.automatic"), 303)
