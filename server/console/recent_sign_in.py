"""Acts of weight want the password of the last minutes; what a form holds is sent along meanwhile.

A page that is read comes back by itself. A form that is sent is kept inside the page that asks,
as ``confirmation.ask`` keeps it, and done in one go once the password is right.
"""

from __future__ import annotations

from flask import make_response, redirect, render_template, request, session, url_for
from werkzeug.wrappers import Response

from server.console.access import current_viewer, local_path
from server.console.confirmation import AGAIN, list_kept
from server.console.sign_in import list_limits
from server.security.throttle import get_attempts
from server.services.staff.sign_in import PasswordWrong, confirm_password, signed_in_recently
from server.surfaces import get_ctx


def require_recent_sign_in(back: str = "") -> Response | None:
    """Return the page that asks for the password unless it was given minutes ago.

    ``back``: where a download leads afterwards, for want of a page of its own.
    Use: ``if (detour := require_recent_sign_in()) is not None: return detour``.
    """
    if signed_in_recently(get_ctx(), current_viewer()):
        return None
    if request.method == "GET":
        session["after_confirm"] = local_path(back or request.full_path.rstrip("?"))
        return redirect(url_for("console.confirm_password"))
    if AGAIN not in request.form:
        return _ask("", 200)
    try:
        confirm(request.form[AGAIN])
    except PasswordWrong as error:
        return _ask(error.shown_message, error.status)
    return None


def confirm(password: str) -> None:
    """Note that the password was given again; guessing is throttled. Raises PasswordWrong."""
    viewer = current_viewer()
    with get_attempts().judge(list_limits(f"confirm-{viewer.staff_id}"), PasswordWrong):
        confirm_password(get_ctx(), viewer, password)


def _ask(error: str, status: int) -> Response:
    page = render_template(
        "console/confirm_password.html",
        error=error,
        action=request.full_path.rstrip("?"),
        kept=list_kept("csrf_token"),
    )
    return make_response(page, status)
