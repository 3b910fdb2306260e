"""Accounts of the institution, and the audit log."""

from __future__ import annotations

import uuid

from flask import redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from models import Role
from server.console.access import (
    blueprint,
    current_context,
    current_viewer,
    require_recent_sign_in,
    roles,
)
from server.console.rendering import say
from server.services.list_audit import list_audit
from server.services.list_students import list_choices
from server.services.manage_institution import AlreadyExists
from server.services.manage_staff import StaffMalformed
from server.services.staff_accounts import (
    create_account,
    list_accounts,
    reset_password,
    set_enabled,
)

Page = str | Response | tuple[str, int]


@blueprint.get("/staff")
@roles(Role.ADMIN)
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
            current_context(),
            current_viewer(),
            username=username,
            role=form.get("role", ""),
            centre=form.get("centre", ""),
        )
    except AlreadyExists:
        return _show_accounts(error="这个用户名已被使用"), 409
    except StaffMalformed as error:
        return _show_accounts(error=error.shown_message), error.status
    return _show_password(username.strip(), password)


@blueprint.post("/staff/<uuid:staff_id>/reset")
@roles(Role.ADMIN)
def staff_reset(staff_id: uuid.UUID) -> Page:
    """Give an account a new one-time password."""
    if (detour := require_recent_sign_in()) is not None:
        return detour
    username, password = reset_password(current_context(), current_viewer(), staff_id)
    return _show_password(username, password)


@blueprint.post("/staff/<uuid:staff_id>/disable")
@roles(Role.ADMIN)
def staff_disable(staff_id: uuid.UUID) -> Page:
    """Disable an account: it is signed out everywhere."""
    username = set_enabled(current_context(), current_viewer(), staff_id, enabled=False)
    say(f"账号 {username} 已停用")
    return redirect(url_for("console.staff_accounts"))


@blueprint.post("/staff/<uuid:staff_id>/enable")
@roles(Role.ADMIN)
def staff_enable(staff_id: uuid.UUID) -> Page:
    """Enable a disabled account."""
    username = set_enabled(current_context(), current_viewer(), staff_id, enabled=True)
    say(f"账号 {username} 已启用")
    return redirect(url_for("console.staff_accounts"))


@blueprint.get("/audit")
@roles(Role.ADMIN)
def audit_log() -> Page:
    """Show who changed what."""
    ctx, viewer = current_context(), current_viewer()
    username = request.args.get("username", "").strip()[:40]
    try:
        after = uuid.UUID(request.args.get("after", ""))
    except ValueError:
        after = None
    page = list_audit(ctx, viewer, username=username, after=after)
    names = [(account.username, account.username) for account in list_accounts(ctx, viewer)]
    next_url = url_for("console.audit_log", username=username or None, after=page.next_id)
    return render_template(
        "console/audit.html",
        page=page,
        username=username,
        names=[("", "全部"), *names],
        next_url=next_url if page.next_id else "",
    )


def _show_accounts(error: str = "") -> str:
    ctx, viewer = current_context(), current_viewer()
    return render_template(
        "console/staff.html",
        accounts=list_accounts(ctx, viewer),
        role_options=[(role.value, role.label) for role in Role],
        centre_options=[("", "—"), *list_choices(ctx, viewer).centres],
        error=error,
        form=request.form,
    )


def _show_password(username: str, password: str) -> str:
    return render_template("console/new_password.html", username=username, password=password)
