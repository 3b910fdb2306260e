"""Throttles: Flask-Limiter for routes; attempts at secrets are counted in ``attempts``.

The figures leave room for a campus behind one address (CONTRACTS: at least 60 logins and 60
identity checks a minute an address).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from flask import Flask, current_app, g
from flask_limiter import Limiter
from flask_limiter.util import get_remote_address
from limits.storage import storage_from_string

from server.security.attempts import AttemptCounter, group_address
from server.security.steady_memory import SteadyMemoryStorage
from server.settings import Settings

LOGIN_PER_ADDRESS = "120/minute"
IDENTITY_PER_ADDRESS = "120/minute"
READS_PER_USER = "240/minute"
UPLOADS_PER_USER = "20/minute"

View = TypeVar("View", bound=Callable[..., Any])


def read_address() -> str:
    """Return what counts as the caller's address."""
    return group_address(get_remote_address())


def create_limiter(app: Flask, settings: Settings) -> Limiter:
    """Return the limiter of this app; it falls back to memory while its store is away."""
    url = settings.rate_limit_url
    is_memory = url.startswith("memory")
    limiter = Limiter(
        read_address,
        storage_uri=f"{SteadyMemoryStorage.STORAGE_SCHEME[0]}://" if is_memory else url,
        storage_options=_storage_options(url),
        strategy="moving-window" if is_memory else "fixed-window",
        in_memory_fallback_enabled=not is_memory,
        key_prefix="caiji",
    )
    # Views count for themselves. Named beforehand, the limiter leaves out the hooks with which it
    # would look, before and after every request, for limits that hold everywhere: there are none.
    app.extensions["limiter"] = {limiter}
    limiter.init_app(app)
    return limiter


def is_limit_store_reachable(url: str) -> bool:
    """Tell whether the counters of ``RATE_LIMIT_URL`` can be read now."""
    return storage_from_string(url, **_storage_options(url)).check() is True


def _storage_options(url: str) -> dict[str, str | int]:
    if url.startswith("memory"):
        return {}
    return {"socket_connect_timeout": 1, "socket_timeout": 1}


def identify_user_or_address() -> str:
    """Return the key of a per-user limit: the signed-in WeChat user, else the address."""
    user_id = g.get("user_id")
    return f"user:{user_id}" if user_id else f"address:{read_address()}"


def _get_limiter() -> Limiter:
    """Return the limiter of this app."""
    limiter: Limiter = current_app.extensions["caiji_limiter"]
    return limiter


def throttled(limit: str, key_func: Callable[[], str] = read_address) -> Callable[[View], View]:
    """Declare how often one key may call a view: the address where nothing else is said.

    Stands directly below the route decorator; ``install_throttles`` puts it to work.
    """

    def declare(view: View) -> View:
        view.throttle = (limit, key_func)  # type: ignore[attr-defined]
        return view

    return declare


def install_throttles(app: Flask) -> None:
    """Let this app's limiter count the calls of every view that declares a limit."""
    limiter: Limiter = app.extensions["caiji_limiter"]
    for endpoint, view in app.view_functions.items():
        if (declared := getattr(view, "throttle", None)) is not None:
            limit, key_func = declared
            counted: Any = limiter.limit(limit, key_func=key_func)(view)
            app.view_functions[endpoint] = counted


def get_attempts() -> AttemptCounter:
    """Return the counter of attempts of this app."""
    attempts: AttemptCounter = current_app.extensions["caiji_attempts"]
    return attempts
