"""保存期限: how long every field is kept and why, from the one table; the institution's years."""

from __future__ import annotations

from flask import redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from models import Role
from server.console.access import blueprint, current_viewer, roles
from server.console.confirmation import ask, is_confirmed
from server.console.forms import FormReader
from server.console.recent_sign_in import require_recent_sign_in
from server.console.rendering import say
from server.services.compliance.kept_years import MOST_YEARS, change_kept_years, read_kept_years
from server.services.compliance.period import describe_period
from server.services.compliance.periods import BACKUPS, PERIODS
from server.surfaces import get_ctx

Page = str | Response | tuple[str, int]


@blueprint.get("/periods")
@roles(Role.ADMIN, Role.AUDITOR)
def periods() -> Page:
    """Show the table with the figures of the institution."""
    return _show(str(read_kept_years(get_ctx(), current_viewer())), {})


@blueprint.post("/periods")
@roles(Role.ADMIN)
def periods_change() -> Page:
    """Change for how many years a collected student is kept; asks first."""
    if (detour := require_recent_sign_in()) is not None:
        return detour
    form = FormReader(request.form)
    years = form.integer("kept_years", least=1, most=MOST_YEARS)
    if form.errors:
        return _show(request.form.get("kept_years", ""), form.errors), 422
    if not is_confirmed():
        return ask(
            f"学生的个人信息保存到批次截止后 {years} 年",
            "确认修改",
            url_for("console.periods"),
            "已有的学生也按新的年数；已经超过的，后台在一小时内删除，不能恢复。",
            "告知书里写的保存期限要同时修改。",
        )
    change_kept_years(get_ctx(), current_viewer(), years)
    say("保存年数已修改")
    return redirect(url_for("console.periods"), 303)


def _show(typed: str, errors: dict[str, str]) -> str:
    ctx = get_ctx()
    years, days = read_kept_years(ctx, current_viewer()), ctx.settings.retention_days
    lines = [(line, describe_period(line.period, years=years, days=days)) for line in PERIODS]
    return render_template(
        "console/periods.html",
        lines=lines,
        backups=BACKUPS.replace("`", ""),
        typed=typed,
        errors=errors,
        most=MOST_YEARS,
    )
