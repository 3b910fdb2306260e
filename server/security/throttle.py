"""Throttles: Flask-Limiter for routes, and counters for failures.

The figures leave room for a campus behind one address (CONTRACTS: at least 60 logins and 60
identity checks a minute an address).
"""

from __future__ import annotations

import time

from flask import Flask, g, request
from flask_limiter import Limiter
from flask_limiter.util import get_remote_address
from limits import parse
from limits.storage import storage_from_string

from server.errors import CaijiError
from server.settings import Settings
from server.surfaces import Surface, surface_of

LOGIN_PER_ADDRESS = "120/minute"
IDENTITY_PER_ADDRESS = "120/minute"
READS_PER_USER = "240/minute"
UPLOADS_PER_USER = "20/minute"
WRONG_IDENTITY_PER_USER = "5/hour"


class TooManyRequests(CaijiError):
    """Come back later; ``Retry-After`` says when."""

    code = "too_many_requests"
    status = 429
    message = "操作太频繁,请稍后再试"


def create_limiter(app: Flask, settings: Settings) -> Limiter:
    """Return the limiter of this app; it falls back to memory while its store is away."""
    limiter = Limiter(
        get_remote_address,
        app=app,
        storage_uri=settings.rate_limit_url,
        storage_options=_storage_options(settings.rate_limit_url),
        strategy="fixed-window" if settings.rate_limit_url.startswith("redis") else "moving-window",
        in_memory_fallback_enabled=not settings.rate_limit_url.startswith("memory"),
        key_prefix="caiji",
    )
    # WeChat must always get through, and need not wait until no limit is found.
    limiter.request_filter(lambda: surface_of(request.path) is Surface.CALLBACK)
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
    return f"user:{user_id}" if user_id else f"address:{get_remote_address()}"


class FailureCounter:
    """Counts failures of one kind per key and refuses once there were too many.

    Args:
        limiter: whose storage is used.
        limit: in the notation of the limits library, ``5/hour``.
        kind: separates counters.
    """

    def __init__(self, limiter: Limiter, limit: str, kind: str) -> None:
        self._limiter = limiter
        self._limit = parse(limit)
        self._kind = kind

    def refuse_if_exceeded(self, key: str) -> None:
        """Raise TooManyRequests when ``key`` has failed too often."""
        if not self._limiter.limiter.test(self._limit, self._kind, key):
            reset_at = self._limiter.limiter.get_window_stats(self._limit, self._kind, key)[0]
            raise TooManyRequests(retry_after_s=max(1, int(reset_at - time.time()) + 1))

    def count(self, key: str) -> None:
        """Note one failure of ``key``."""
        self._limiter.limiter.hit(self._limit, self._kind, key)
