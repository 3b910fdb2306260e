"""Who calls: the bearer token of the mini-program, checked before every view of the API."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from typing import Any, TypeVar, cast

from apiflask import APIBlueprint
from flask import current_app, g, request

from server.lanes import remember_caller
from server.services.student.login import authenticate
from server.surfaces import get_ctx

bp = APIBlueprint("api", __name__, url_prefix="/api/v1")

View = TypeVar("View", bound=Callable[..., Any])


def get_user_id() -> uuid.UUID:
    """Return the signed-in WeChat user of this request."""
    return cast("uuid.UUID", g.user_id)


def allow_anonymous(view: View) -> View:
    """Mark a view that needs no token. Everything else does."""
    view.is_anonymous = True  # type: ignore[attr-defined]
    return view


@bp.before_request
def require_token() -> None:
    """Refuse a request without a valid token."""
    view = current_app.view_functions.get(request.endpoint or "")
    if getattr(view, "is_anonymous", False):
        return
    token = _read_bearer()
    g.user_id = authenticate(get_ctx(), token)
    remember_caller(token or "")


def _read_bearer() -> str | None:
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    return token.strip() if scheme.lower() == "bearer" else None
