"""The own account: password, second factor, sessions."""

from __future__ import annotations

import io
import uuid

import qrcode
import qrcode.image.svg
from flask import redirect, render_template, request, session, url_for
from werkzeug.wrappers import Response

from server.console.access import (
    STAFF,
    blueprint,
    current_viewer,
    local_path,
    roles,
)
from server.console.confirmation import AGAIN
from server.console.recent_sign_in import confirm, require_recent_sign_in
from server.console.rendering import say
from server.console.sign_in import list_limits
from server.security.throttle import get_attempts
from server.services.staff import sign_in as own_account
from server.services.staff.policy import PasswordUnfit, describe_password_rules, read_own_rules
from server.services.staff.second_factor import (
    CodeRefused,
    create_secret,
    describe_secret,
    disable_own_second_factor,
    enable_second_factor,
)
from server.services.staff.sign_in import PasswordWrong, close_session, list_sessions
from server.surfaces import get_ctx

Page = str | Response | tuple[str, int]


@blueprint.get("/account")
@roles(*STAFF)
def account() -> Page:
    """Show what the account may be changed in."""
    sessions = list_sessions(get_ctx(), current_viewer())
    return render_template("console/account.html", sessions=sessions)


@blueprint.route("/account/password", methods=["GET", "POST"])
@roles(*STAFF)
def change_password() -> Page:
    """Change the password; with a one-time password this comes first."""
    if request.method == "GET":
        return _show_password_form("")
    viewer = current_viewer()
    form = request.form
    try:
        with get_attempts().judge(list_limits(f"change-{viewer.staff_id}"), PasswordWrong):
            own_account.change_password(
                get_ctx(),
                viewer,
                current=form.get("current", ""),
                new=form.get("new", ""),
                again=form.get("again", ""),
            )
    except (PasswordWrong, PasswordUnfit) as error:
        return _show_password_form(error.shown_message), error.status
    say("密码已修改，其他设备上的登录已失效")
    is_due = viewer.must_add_second_factor
    return redirect(url_for("console.set_up_second_factor" if is_due else "console.dashboard"))


def _show_password_form(error: str) -> str:
    rules = describe_password_rules(read_own_rules(get_ctx(), current_viewer()))
    return render_template("console/change_password.html", error=error, rules=rules)


@blueprint.route("/confirm", methods=["GET", "POST"])
@roles(*STAFF)
def confirm_password() -> Page:
    """Ask for the password again before something that needs a recent sign-in."""
    if request.method == "GET":
        return _show_confirmation("")
    try:
        confirm(request.form.get(AGAIN, ""))
    except PasswordWrong as error:
        return _show_confirmation(error.shown_message), error.status
    return redirect(local_path(session.pop("after_confirm", None)))


def _show_confirmation(error: str) -> str:
    action = url_for("console.confirm_password")
    return render_template("console/confirm_password.html", error=error, action=action, kept=[])


@blueprint.post("/account/sessions/<uuid:session_id>/end")
@roles(*STAFF)
def end_session(session_id: uuid.UUID) -> Page:
    """End one of the own sessions, on another device perhaps."""
    close_session(get_ctx(), current_viewer(), session_id)
    say("该设备上的登录已失效")
    return redirect(url_for("console.account"))


@blueprint.route("/account/second-factor", methods=["GET", "POST"])
@roles(*STAFF)
def set_up_second_factor() -> Page:
    """Show the secret as QR code, and turn the second factor on once a code proves it."""
    if (detour := require_recent_sign_in()) is not None:
        return detour
    secret = session.setdefault("new_totp_secret", create_secret())
    if request.method == "GET":
        return render_template("console/second_factor.html", secret=secret, error="")
    try:
        codes = enable_second_factor(
            get_ctx(), current_viewer(), secret, request.form.get("code", "").strip()
        )
    except CodeRefused as error:
        page = render_template(
            "console/second_factor.html", secret=secret, error=error.shown_message
        )
        return page, 422
    session.pop("new_totp_secret")
    return render_template("console/recovery_codes.html", codes=codes)


@blueprint.get("/account/second-factor.svg")
@roles(*STAFF)
def second_factor_picture() -> Page:
    """Draw the secret of the set-up under way as a QR code; without one lead to its page."""
    if (detour := require_recent_sign_in()) is not None:
        return detour
    secret = session.get("new_totp_secret")
    if not secret:
        return redirect(url_for("console.set_up_second_factor"))
    address = describe_secret(current_viewer(), secret)
    picture = qrcode.make(address, image_factory=qrcode.image.svg.SvgPathImage, border=2)
    out = io.BytesIO()
    picture.save(out)
    headers = {"Cache-Control": "no-store"}
    return Response(out.getvalue(), mimetype="image/svg+xml", headers=headers)


@blueprint.post("/account/second-factor/off")
@roles(*STAFF)
def turn_off_second_factor() -> Page:
    """Turn the second factor off."""
    if (detour := require_recent_sign_in()) is not None:
        return detour
    disable_own_second_factor(get_ctx(), current_viewer())
    say("两步验证已关闭", "info")
    return redirect(url_for("console.account"))
