"""Signing in and out."""

from __future__ import annotations

import datetime as dt
import uuid

from flask import current_app, g, redirect, render_template, request, session, url_for
from flask_limiter.util import get_remote_address
from werkzeug.wrappers import Response

from server.console.access import (
    COOKIE,
    COOKIE_PATH,
    STAFF,
    blueprint,
    current_context,
    current_viewer,
    local_path,
    open_to_all,
    roles,
)
from server.console.rendering import say
from server.security.throttle import FailureCounter
from server.services.second_factor import CodeRefused, check_second_factor
from server.services.sign_in import (
    ABSOLUTE_LIMIT,
    SignInRefused,
    check_password,
    close_session,
    open_session,
)

# An office of fifty behind one address may mistype; a guesser may not go on.
FAILURES_PER_ACCOUNT_AND_ADDRESS = "8/10 minutes"
FAILURES_PER_ADDRESS = "25/10 minutes"
FAILURES_PER_ACCOUNT = "60/hour"
SECOND_STEP_LIMIT = dt.timedelta(minutes=5)

Page = str | Response | tuple[str, int]


class Attempts:
    """Counts the failures of one account and of one address."""

    def __init__(self, account: str) -> None:
        limiter = current_app.extensions["caiji_limiter"]
        address = get_remote_address()
        self._counters = [
            (FailureCounter(limiter, limit, f"staff-{kind}"), key)
            for limit, kind, key in (
                (FAILURES_PER_ACCOUNT_AND_ADDRESS, "both", f"{account}@{address}"),
                (FAILURES_PER_ADDRESS, "address", address),
                (FAILURES_PER_ACCOUNT, "account", account),
            )
        ]

    def refuse_if_exceeded(self) -> None:
        """Raise TooManyRequests."""
        for counter, key in self._counters:
            counter.refuse_if_exceeded(key)

    def count(self) -> None:
        """Note one failure."""
        for counter, key in self._counters:
            counter.count(key)


@blueprint.route("/sign-in", methods=["GET", "POST"])
@open_to_all
def sign_in() -> Page:
    """Ask for user name and password."""
    if request.method == "GET":
        if g.viewer is not None:
            return redirect(url_for("console.dashboard"))
        return render_template("console/sign_in.html", error="", username="")
    username = request.form.get("username", "").strip()
    attempts = Attempts(username.lower()[:40])
    attempts.refuse_if_exceeded()
    try:
        staff = check_password(current_context(), username, request.form.get("password", ""))
    except SignInRefused as error:
        attempts.count()
        page = render_template(
            "console/sign_in.html", error=error.shown_message, username=username[:40]
        )
        return page, 401
    if staff.totp_enabled_at is not None:
        session["second_step"] = [str(staff.id), current_context().now().isoformat()]
        return redirect(url_for("console.second_step"))
    return _enter(staff.id)


@blueprint.route("/sign-in/code", methods=["GET", "POST"])
@open_to_all
def second_step() -> Page:
    """Ask for the one-time code of an account whose password was right."""
    staff_id = _read_second_step()
    if staff_id is None:
        return redirect(url_for("console.sign_in"))
    if request.method == "GET":
        return render_template("console/second_step.html", error="")
    attempts = Attempts(f"code-{staff_id}")
    attempts.refuse_if_exceeded()
    try:
        check_second_factor(current_context(), staff_id, request.form.get("code", ""))
    except CodeRefused as error:
        attempts.count()
        return render_template("console/second_step.html", error=error.shown_message), 401
    return _enter(staff_id)


def _read_second_step() -> uuid.UUID | None:
    step = session.get("second_step")
    if not step:
        return None
    begun = dt.datetime.fromisoformat(step[1])
    if current_context().now() - begun > SECOND_STEP_LIMIT:
        return None
    return uuid.UUID(step[0])


def _enter(staff_id: uuid.UUID) -> Response:
    after = local_path(session.get("after_sign_in"))
    # A new CSRF token for the new identity.
    session.clear()
    token = open_session(current_context(), staff_id, request.headers.get("User-Agent", ""))
    response = redirect(after)
    response.set_cookie(
        COOKIE,
        token,
        max_age=int(ABSOLUTE_LIMIT.total_seconds()),
        path=COOKIE_PATH,
        secure=current_context().settings.public_url.startswith("https:"),
        httponly=True,
        samesite="Lax",
    )
    return response


@blueprint.post("/sign-out")
@roles(*STAFF)
def sign_out() -> Response:
    """End the session on the server and forget its cookie."""
    viewer = current_viewer()
    close_session(current_context(), viewer, viewer.session_id)
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
