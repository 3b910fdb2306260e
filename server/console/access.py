"""The door of the console: who is signed in, and what each role may open. Denies by default.

Every view declares its roles with :func:`roles`, or :func:`open_to_all` for what comes before
signing in. A view that declares nothing is refused for everybody.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from flask import Blueprint, abort, current_app, g, redirect, request, session, url_for
from werkzeug.wrappers import Response

from models import Role
from server.errors import CaijiError
from server.lanes import remember_caller
from server.services.staff.policy import is_address_on, is_door_open
from server.services.staff.sign_in import resume_session
from server.services.viewer import Viewer
from server.surfaces import get_ctx

blueprint = Blueprint(
    "console",
    __name__,
    url_prefix="/console",
    template_folder="templates",
    static_folder="static",
)

COOKIE = "caiji_staff"
COOKIE_PATH = "/console"
STATIC_ENDPOINT = "console.static"
STAFF = frozenset(Role)
ANYONE: frozenset[Role] = frozenset()
ROLES_ATTRIBUTE = "console_roles"
ENDED, UNSAVED = "ended", "unsaved"
"""Why somebody whose session is over stands before the sign-in page."""
WORKERS = STAFF - {Role.AUDITOR}
"""Everybody who works with students; an auditor only reads what they did."""
BEFORE_NEW_PASSWORD = {"console.change_password", "console.sign_out"}
"""All that an account with a one-time password may do."""
BEFORE_SECOND_FACTOR = BEFORE_NEW_PASSWORD | {
    "console.confirm_password",
    "console.set_up_second_factor",
    "console.second_factor_picture",
}
"""All that an account may do whose institution asks for a second factor that is not there yet."""


class AddressShutOut(CaijiError):
    """The console does not open at this address; said before anybody is asked for a password."""

    code = "address_shut_out"
    status = 403
    message = "工作台不对这个网络地址开放，请在本校规定的网络中使用"


class PasswordChangeDue(CaijiError):
    """The account has a one-time or an old password: nothing else opens before a new one."""

    code = "password_change_due"
    status = 403
    message = "请先修改密码，再使用其他页面"


class SecondFactorDue(CaijiError):
    """The institution asks this role for the second factor."""

    code = "second_factor_due"
    status = 403
    message = "本校要求你的角色使用两步验证，请先开启"


View = TypeVar("View", bound=Callable[..., Any])


def roles(*allowed: Role) -> Callable[[View], View]:
    """Declare who may use a view. Stands below the route decorator."""
    if not allowed:
        raise ValueError("name at least one role")

    def declare(view: View) -> View:
        setattr(view, ROLES_ATTRIBUTE, frozenset(allowed))
        return view

    return declare


def open_to_all(view: View) -> View:
    """Declare that a view is for those who have not signed in, too."""
    setattr(view, ROLES_ATTRIBUTE, ANYONE)
    return view


def declared_roles(endpoint: str | None) -> frozenset[Role] | None:
    """Return who may use an endpoint: an empty set means anyone, None that nobody declared it."""
    if endpoint == STATIC_ENDPOINT:
        return ANYONE
    view = current_app.view_functions.get(endpoint or "")
    found: frozenset[Role] | None = getattr(view, ROLES_ATTRIBUTE, None)
    return found


def may_open(endpoint: str) -> bool:
    """Tell whether the signed-in person may use an endpoint: for links and buttons."""
    allowed = declared_roles(endpoint)
    if allowed is None:
        return False
    viewer: Viewer | None = g.get("viewer")
    return allowed == ANYONE or (viewer is not None and viewer.role in allowed)


def current_viewer() -> Viewer:
    """Return who is signed in; only behind :func:`roles`."""
    viewer: Viewer = g.viewer
    return viewer


@blueprint.before_request
def guard() -> Response | None:
    """Let a request pass only where its view says so."""
    allowed = declared_roles(request.endpoint)
    if request.endpoint != STATIC_ENDPOINT and not is_door_open(get_ctx(), _read_own_address()):
        g.viewer = None
        raise _shut_out()
    token = request.cookies.get(COOKIE, "")
    g.viewer = (
        resume_session(get_ctx(), token, g.get("request_id", ""))
        if token and request.endpoint != STATIC_ENDPOINT
        else None
    )
    if g.viewer is not None:
        remember_caller(token)
    if allowed == ANYONE:
        return None
    if g.viewer is None:
        return _redirect_to_sign_in(had_session=bool(token))
    if not is_address_on(g.viewer.console_networks, _read_own_address()):
        g.viewer = None
        raise _shut_out()
    if g.viewer.must_change_password and request.endpoint not in BEFORE_NEW_PASSWORD:
        raise PasswordChangeDue
    if g.viewer.must_add_second_factor and request.endpoint not in BEFORE_SECOND_FACTOR:
        raise SecondFactorDue
    if allowed is None or g.viewer.role not in allowed:
        abort(403)
    return None


def _shut_out() -> AddressShutOut:
    return AddressShutOut(
        f"工作台不对你现在的网络地址（{_read_own_address()}）开放。"
        "请在本校规定的网络中使用，或请管理员在“安全规则”里加上这个地址"
    )


def _read_own_address() -> str:
    """Return the caller's whole address: a list of networks may be narrower than a site."""
    return request.remote_addr or ""


def _redirect_to_sign_in(*, had_session: bool) -> Response:
    """Send an anonymous visitor to the sign-in page, and back afterwards.

    Whose session has ended is told so there, and that what was being sent is lost.
    """
    is_read = request.method == "GET"
    if is_read or had_session:
        back = request.full_path.rstrip("?") if is_read else request.referrer
        session["after_sign_in"] = local_path(back)
    lost = ENDED if is_read else UNSAVED
    return redirect(url_for("console.sign_in", why=lost if had_session else None))


def local_path(address: str | None) -> str:
    """Return the path of an address below the console, else the dashboard: never another site."""
    home = url_for("console.dashboard")
    if not address:
        return home
    if address.startswith(request.host_url):
        address = "/" + address.removeprefix(request.host_url)
    is_ours = address.startswith(home) and "\\" not in address and "//" not in address
    return address if is_ours else home
