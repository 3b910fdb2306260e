"""Who calls: the bearer token of the mini-program, checked before every view of the API."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from typing import Any, TypeVar, cast

from flask import current_app, g, request

from server.context import Context
from server.services.login_student import authenticate

View = TypeVar("View", bound=Callable[..., Any])


def get_ctx() -> Context:
    """Return the context of this process."""
    return cast("Context", current_app.extensions["caiji"])


def get_user_id() -> uuid.UUID:
    """Return the signed-in WeChat user of this request."""
    return cast("uuid.UUID", g.user_id)


def allow_anonymous(view: View) -> View:
    """Mark a view that needs no token. Everything else does."""
    view.is_anonymous = True  # type: ignore[attr-defined]
    return view


def require_token() -> None:
    """Refuse a request without a valid token (a before_request of the blueprint)."""
    view = current_app.view_functions.get(request.endpoint or "")
    if getattr(view, "is_anonymous", False):
        return
    g.user_id = authenticate(get_ctx(), _read_bearer())


def _read_bearer() -> str | None:
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    return token.strip() if scheme.lower() == "bearer" else None
