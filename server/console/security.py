"""安全规则: what the institution asks of passwords, sessions and addresses (等级保护)."""

from __future__ import annotations

from dataclasses import asdict

from flask import redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from models import Role
from server.console.access import blueprint, current_viewer, roles
from server.console.confirmation import ask, is_confirmed
from server.console.forms import FormReader
from server.console.recent_sign_in import require_recent_sign_in
from server.console.rendering import say
from server.services.staff.policy import (
    MOST_HOURS,
    NetworksMalformed,
    Rules,
    edit_rules,
    read_networks,
    read_own_rules,
)
from server.services.staff.sign_in import MOST_FORMER_PASSWORDS
from server.surfaces import get_ctx

Page = str | Response | tuple[str, int]
BOUNDS = {
    "password_min_length": (8, 64),
    "password_kinds": (1, 4),
    "password_max_age_days": (0, 3650),
    "password_history": (0, MOST_FORMER_PASSWORDS),
    "idle_minutes": (5, 480),
    "absolute_hours": (1, MOST_HOURS),
    "stale_after_days": (7, 3650),
}
"""Least and most of every rule that is a number."""


@blueprint.get("/security")
@roles(Role.ADMIN, Role.AUDITOR)
def security() -> Page:
    """Show the rules of the institution."""
    return _show(_describe(read_own_rules(get_ctx(), current_viewer())), {})


@blueprint.post("/security")
@roles(Role.ADMIN)
def security_change() -> Page:
    """Change the rules; what shuts people out is asked about first."""
    if (detour := require_recent_sign_in()) is not None:
        return detour
    ctx, viewer = get_ctx(), current_viewer()
    form = FormReader(request.form)
    numbers = {
        name: form.integer(name, least=least, most=most) for name, (least, most) in BOUNDS.items()
    }
    chosen = tuple(role.value for role in Role if form.box(f"totp_{role.value}"))
    networks: tuple[str, ...] = ()
    try:
        networks = read_networks(request.form.get("console_networks", ""))
    except NetworksMalformed as error:
        form.errors["console_networks"] = error.shown_message
    if form.errors:
        return _show({**request.form, "second_factor_roles": chosen}, form.errors), 422
    wanted = Rules(second_factor_roles=chosen, console_networks=networks, **numbers)
    if wanted != read_own_rules(ctx, viewer) and not is_confirmed():
        return _ask(wanted)
    try:
        edit_rules(ctx, viewer, wanted, address=request.remote_addr or "")
    except NetworksMalformed as error:
        errors = {"console_networks": error.shown_message}
        return _show({**request.form, "second_factor_roles": chosen}, errors), 422
    say("安全规则已保存")
    return redirect(url_for("console.security"), 303)


def _ask(wanted: Rules) -> str:
    names = [role.label for role in Role if role.value in wanted.second_factor_roles]
    consequences = ["新的密码规则从下一次修改密码起使用；超过期限的密码，登录后必须先修改。"]
    if names:
        consequences.append(f"{'、'.join(names)}没有开启两步验证的账号，开启之前打不开其他页面。")
    if wanted.console_networks:
        consequences.append(f"只有来自 {'、'.join(wanted.console_networks)} 的人能打开工作台。")
    return ask("修改安全规则", "确认修改", url_for("console.security"), *consequences)


def _describe(rules: Rules) -> dict[str, object]:
    return {**asdict(rules), "console_networks": "\n".join(rules.console_networks)}


def _show(values: dict[str, object], errors: dict[str, str]) -> str:
    return render_template(
        "console/security.html",
        values=values,
        errors=errors,
        bounds=BOUNDS,
        role_choices=[(role.value, role.label) for role in Role],
        address=request.remote_addr or "",
    )
