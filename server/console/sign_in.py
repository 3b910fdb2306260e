"""Signing in and out."""

from __future__ import annotations

import datetime as dt
import uuid

from flask import g, redirect, render_template, request, session, url_for
from werkzeug.wrappers import Response

from server.console.access import (
    COOKIE,
    COOKIE_PATH,
    ENDED,
    STAFF,
    UNSAVED,
    blueprint,
    current_viewer,
    local_path,
    open_to_all,
    roles,
)
from server.console.rendering import say
from server.security.attempts import AttemptLimit
from server.security.known_browser import KnownBrowser
from server.security.throttle import get_attempts, read_address
from server.services.names import clean_text
from server.services.staff.policy import MOST_HOURS
from server.services.staff.second_factor import CodeRefused, check_second_factor
from server.services.staff.sign_in import (
    SignInRefused,
    check_password,
    close_session,
    note_code_refusal,
    note_refusal,
    open_session,
)
from server.surfaces import get_ctx

# An office of fifty behind one address may mistype; a guesser may not go on.
FAILURES_PER_ACCOUNT_AND_ADDRESS = "8/10 minutes"
FAILURES_PER_ADDRESS = "25/10 minutes"
FAILURES_PER_ACCOUNT = "60/hour"
SLOW = "slow"
COOKIE_LIFE_S = MOST_HOURS * 3600
"""The server ends the session; the cookie may outlive it."""
SECOND_STEP_LIMIT = dt.timedelta(minutes=5)

WHY = {
    ENDED: "登录已结束：很久没有操作，或已在别处退出。登录后回到刚才的页面",
    UNSAVED: "登录已结束，刚才填写的内容没有保存。登录后回到那个页面，请再填一次",
    SLOW: "验证码没有及时输入，请重新登录",
}
"""What is said to somebody who did not come here by choice."""

Page = str | Response | tuple[str, int]


BROWSER = KnownBrowser("caiji_browser", COOKIE_PATH)


def list_limits(account: str) -> list[AttemptLimit]:
    """Return what counts a wrong attempt at an account.

    A browser in which the account signed in before has a counter of its own: whatever strangers
    do to the account or behind the same address, its owner may try there.
    """
    browser = BROWSER.recognise(account)
    if browser is not None:
        own = f"{account}@{browser}"
        return [AttemptLimit(FAILURES_PER_ACCOUNT_AND_ADDRESS, "staff-known", own)]
    address = read_address()
    return [
        AttemptLimit(FAILURES_PER_ACCOUNT_AND_ADDRESS, "staff-both", f"{account}@{address}"),
        AttemptLimit(FAILURES_PER_ADDRESS, "staff-address", address),
        AttemptLimit(FAILURES_PER_ACCOUNT, "staff-account", account),
    ]


@blueprint.route("/sign-in", methods=["GET", "POST"])
@open_to_all
def sign_in() -> Page:
    """Ask for user name and password."""
    if request.method == "GET":
        if g.viewer is not None:
            return redirect(url_for("console.dashboard"))
        why = WHY.get(request.args.get("why", ""), "")
        return render_template("console/sign_in.html", error="", username="", why=why)
    username = request.form.get("username", "").strip()
    account = clean_text(username).casefold()[:40]
    try:
        with get_attempts().judge(list_limits(account), SignInRefused):
            staff = check_password(
                get_ctx(), username, request.form.get("password", ""), request.remote_addr or ""
            )
    except SignInRefused as error:
        note_refusal(get_ctx(), username, read_address())
        page = render_template(
            "console/sign_in.html", error=error.shown_message, username=username[:40]
        )
        return page, 401
    if staff.totp_enabled_at is not None:
        session["second_step"] = [str(staff.id), get_ctx().now().isoformat()]
        response = redirect(url_for("console.second_step"))
    else:
        response = _enter(staff.id)
    BROWSER.remember(response, account)
    return response


@blueprint.route("/sign-in/code", methods=["GET", "POST"])
@open_to_all
def second_step() -> Page:
    """Ask for the one-time code of an account whose password was right."""
    staff_id = _read_second_step()
    if staff_id is None:
        late = SLOW if "second_step" in session else None
        return redirect(url_for("console.sign_in", why=late))
    if request.method == "GET":
        return render_template("console/second_step.html", error="")
    account = f"code-{staff_id}"
    try:
        with get_attempts().judge(list_limits(account), CodeRefused):
            check_second_factor(get_ctx(), staff_id, request.form.get("code", ""))
    except CodeRefused as error:
        note_code_refusal(get_ctx(), staff_id, read_address())
        return render_template("console/second_step.html", error=error.shown_message), 401
    response = _enter(staff_id)
    BROWSER.remember(response, account)
    return response


def _read_second_step() -> uuid.UUID | None:
    step = session.get("second_step")
    if not step:
        return None
    begun = dt.datetime.fromisoformat(step[1])
    if get_ctx().now() - begun > SECOND_STEP_LIMIT:
        return None
    return uuid.UUID(step[0])


def _enter(staff_id: uuid.UUID) -> Response:
    after = local_path(session.get("after_sign_in"))
    # A new CSRF token for the new identity.
    session.clear()
    token, viewer = open_session(get_ctx(), staff_id, request.headers.get("User-Agent", ""))
    if viewer.must_change_password:
        after = url_for("console.change_password")
    elif viewer.must_add_second_factor:
        after = url_for("console.set_up_second_factor")
    response = redirect(after)
    response.set_cookie(
        COOKIE,
        token,
        max_age=COOKIE_LIFE_S,
        path=COOKIE_PATH,
        secure=get_ctx().settings.public_url.startswith("https:"),
        httponly=True,
        samesite="Lax",
    )
    return response


@blueprint.post("/sign-out")
@roles(*STAFF)
def sign_out() -> Response:
    """End the session on the server and forget its cookie."""
    viewer = current_viewer()
    close_session(get_ctx(), viewer, viewer.session_id)
    session.clear()
    say("已退出登录", "info")
    response = redirect(url_for("console.sign_in"))
    response.delete_cookie(COOKIE, path=COOKIE_PATH)
    return response


@blueprint.route("/<path:unknown>", methods=["GET", "POST", "PUT", "PATCH", "DELETE"])
@roles(*STAFF)
def unknown_address(unknown: str) -> tuple[str, int]:
    """Answer every other address below the console: the guard has sent strangers to sign in."""
    message = "没有找到这个页面"
    return render_template("console/error.html", status=404, message=message), 404
