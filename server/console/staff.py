"""Accounts of the institution."""

from __future__ import annotations

import uuid

from flask import redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from models import Role
from server.console.access import blueprint, current_viewer, roles
from server.console.confirmation import ask, is_confirmed
from server.console.recent_sign_in import require_recent_sign_in
from server.console.rendering import say
from server.errors import NotFound
from server.services.college.set_up import AlreadyExists
from server.services.overview.list_students import list_choices
from server.services.staff.accounts import (
    NoLongerAdministrator,
    OwnAccount,
    create_account,
    list_accounts,
    reset_password,
    set_enabled,
)
from server.services.staff.change_account import (
    AccountChange,
    change_account,
    get_account,
    moves_rights,
)
from server.services.staff.create import StaffMalformed
from server.services.staff.policy import is_stale, read_own_rules
from server.surfaces import get_ctx

Page = str | Response | tuple[str, int]


@blueprint.get("/staff")
@roles(Role.ADMIN, Role.AUDITOR)
def staff_accounts() -> Page:
    """List the accounts."""
    return _show_accounts()


@blueprint.post("/staff")
@roles(Role.ADMIN)
def staff_create() -> Page:
    """Create an account and show its one-time password, once."""
    if (detour := require_recent_sign_in()) is not None:
        return detour
    form = request.form
    username = form.get("username", "")
    try:
        password = create_account(
            get_ctx(),
            current_viewer(),
            username=username,
            role=form.get("role", ""),
            centres=form.getlist("centre"),
            display_name=form.get("display_name", ""),
        )
    except AlreadyExists:
        return _show_accounts(error="这个用户名已被使用"), 409
    except (NoLongerAdministrator, StaffMalformed) as error:
        return _show_accounts(error=error.shown_message), error.status
    return _show_password(username.strip(), password)


@blueprint.get("/staff/<uuid:staff_id>")
@roles(Role.ADMIN)
def staff_account(staff_id: uuid.UUID) -> Page:
    """Show the form that changes an account."""
    return _show_account(staff_id)


@blueprint.post("/staff/<uuid:staff_id>")
@roles(Role.ADMIN)
def staff_change(staff_id: uuid.UUID) -> Page:
    """Change name, role or centre of an account; other rights are asked about first."""
    if (detour := require_recent_sign_in()) is not None:
        return detour
    ctx, viewer, form = get_ctx(), current_viewer(), request.form
    change = AccountChange(
        form.get("display_name", ""), form.get("role", ""), tuple(form.getlist("centre"))
    )
    account = get_account(ctx, viewer, staff_id)
    is_own = staff_id == viewer.staff_id  # refused below
    if moves_rights(account, change) and not is_own and not is_confirmed():
        return ask(
            f"修改账号 {account.shown_name} 的角色",
            "确认修改",
            url_for("console.staff_account", staff_id=staff_id),
            "这个账号在所有设备上退出登录，重新登录后按新的角色使用。",
            "它以前的操作记录保留。",
        )
    try:
        changed = change_account(ctx, viewer, staff_id, change)
    except (NoLongerAdministrator, OwnAccount, StaffMalformed) as error:
        return _show_account(staff_id, error=error.shown_message), error.status
    say(f"账号 {changed.shown_name} 已修改")
    return redirect(url_for("console.staff_accounts"), 303)


@blueprint.post("/staff/<uuid:staff_id>/reset")
@roles(Role.ADMIN)
def staff_reset(staff_id: uuid.UUID) -> Page:
    """Give an account a new one-time password."""
    if (detour := require_recent_sign_in()) is not None:
        return detour
    if not is_confirmed():
        return ask(
            f"重置 {_name_account(staff_id)} 的密码",
            "确认重置",
            url_for("console.staff_accounts"),
            "原密码立即失效，这个账号在所有设备上退出登录，两步验证关闭。",
            "下一页显示一次性密码，只显示一次；本人登录后必须修改。",
        )
    username, password = reset_password(get_ctx(), current_viewer(), staff_id)
    return _show_password(username, password)


@blueprint.post("/staff/<uuid:staff_id>/disable")
@roles(Role.ADMIN)
def staff_disable(staff_id: uuid.UUID) -> Page:
    """Disable an account: it is signed out everywhere; asks first."""
    is_own = staff_id == current_viewer().staff_id  # refused in any case
    if not is_own and not is_confirmed():
        return ask(
            f"停用账号 {_name_account(staff_id)}",
            "确认停用",
            url_for("console.staff_accounts"),
            "这个账号在所有设备上退出登录，不能再登录。",
            "它的操作记录保留；需要时可以重新启用。",
        )
    name = set_enabled(get_ctx(), current_viewer(), staff_id, enabled=False)
    say(f"账号 {name} 已停用")
    return redirect(url_for("console.staff_accounts"))


@blueprint.post("/staff/<uuid:staff_id>/enable")
@roles(Role.ADMIN)
def staff_enable(staff_id: uuid.UUID) -> Page:
    """Enable a disabled account."""
    name = set_enabled(get_ctx(), current_viewer(), staff_id, enabled=True)
    say(f"账号 {name} 已启用")
    return redirect(url_for("console.staff_accounts"))


def _name_account(staff_id: uuid.UUID) -> str:
    """Return how an account of the institution is shown; raises NotFound."""
    for account in list_accounts(get_ctx(), current_viewer()):
        if account.id == staff_id:
            return account.shown_name
    raise NotFound


def _show_accounts(error: str = "") -> str:
    ctx, viewer = get_ctx(), current_viewer()
    accounts, rules = list_accounts(ctx, viewer), read_own_rules(ctx, viewer)
    return render_template(
        "console/staff.html",
        accounts=accounts,
        stale={one.id for one in accounts if is_stale(rules, one, ctx.now())},
        stale_after_days=rules.stale_after_days,
        role_options=[(role.value, role.label) for role in Role],
        centre_options=list_choices(ctx, viewer).centres,
        error=error,
        form=request.form,
    )


def _show_account(staff_id: uuid.UUID, error: str = "") -> str:
    ctx, viewer = get_ctx(), current_viewer()
    return render_template(
        "console/staff_account.html",
        account=get_account(ctx, viewer, staff_id),
        role_options=[(role.value, role.label) for role in Role],
        centre_options=list_choices(ctx, viewer).centres,
        error=error,
        form=request.form,
    )


def _show_password(username: str, password: str) -> str:
    return render_template("console/new_password.html", username=username, password=password)
