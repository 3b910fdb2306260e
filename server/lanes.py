"""Lanes: how many threads of this process may be busy with one kind of work.

Threads are few, and some work is long: a photo from a phone, the wait for a verdict, a page that a
crowd asks for at once. Each kind has its lane and gets an honest 503 when that is full, so that
callbacks and health checks, which have none, always find a thread. Calls to WeChat are limited
where they are made (``gateways.transport``), password hashing in ``security.passwords``.
"""

from __future__ import annotations

import contextlib
import functools
import json
import os
import re
import threading
from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING, Any, TypeVar, cast

from flask import g
from werkzeug.wsgi import ClosingIterator

from server.errors import ServiceBusy
from server.sizes import SMALL_BODY_BYTES

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

View = TypeVar("View", bound=Callable[..., Any])

THREADS = int(os.environ.get("WEB_THREADS") or "96")
RETRY_AFTER_S = 3
BUSY = "当前使用人数较多，请稍后再试"


class LaneFull(ServiceBusy):
    """As many requests of this kind as this process takes are on their way."""

    code = "busy"
    message = BUSY


class Lane:
    """Room for ``width`` requests of one kind at the same time.

    Args:
        width: threads that may be at work.
        waiters: threads that may wait for one of these, so that a short crowd is not refused.
        wait_s: how long each of them waits.
    """

    def __init__(self, width: int, *, waiters: int = 0, wait_s: float = 0.5) -> None:
        self.width = max(1, width)
        self._wait_s = wait_s if waiters else 0.0
        self._admitted = threading.BoundedSemaphore(self.width + waiters)
        self._free = threading.BoundedSemaphore(self.width)

    @contextlib.contextmanager
    def enter(self) -> Iterator[bool]:
        """Give True when there was room; it is given back when the block ends."""
        with contextlib.ExitStack() as stay:
            is_in = self._admitted.acquire(blocking=False)
            if is_in:
                stay.callback(self._admitted.release)
                is_in = self._free.acquire(timeout=self._wait_s)
                if is_in:
                    stay.callback(self._free.release)
            yield is_in

    def guard(self, view: View) -> View:
        """Let a view run in this lane; it may end its stay early with ``leave_lane``.

        Raises:
            LaneFull: there was no room. The body has not been read.
        """

        @functools.wraps(view)
        def guarded(*args: Any, **kwargs: Any) -> Any:
            with contextlib.ExitStack() as stay:
                if not stay.enter_context(self.enter()):
                    raise LaneFull(retry_after_s=RETRY_AFTER_S)
                g.leave_lane = stay.close
                return view(*args, **kwargs)

        return cast("View", guarded)


def leave_lane() -> None:
    """Give the place in the lane to the next request: what follows is waiting."""
    g.leave_lane()


UPLOADS = Lane(THREADS // 6)
"""Photos that are being received and stored. Entered before the body is read."""
VERDICTS = Lane(THREADS // 12)
"""Uploads that wait for their verdict; the others are answered 202 at once."""
STUDENTS = Lane(THREADS // 8, waiters=THREADS // 8)
"""Calls of the mini-program with a token that was good before."""
NEWCOMERS = Lane(THREADS // 16, waiters=THREADS // 16)
"""Calls of the mini-program before that: signing in, and whoever made a token up."""
STAFF = Lane(THREADS // 16, waiters=THREADS // 16)
"""Pages of the console in a session that was good before."""
PUBLIC = Lane(THREADS // 24, waiters=THREADS // 12)
"""Sign-in and status page, and whatever else a stranger may ask for."""
WITHOUT = ("/pay/", "/healthz", "/readyz", "/version", "/metrics")
"""Callbacks and health: what is left of the threads is theirs."""
UPLOAD = {
    "POST": re.compile(r"/api/v1/enrolments/[^/]+/photos"),
    "PUT": re.compile(r"/api/v1/enrolments/[^/]+/chsi-code"),
}
STAFF_COOKIE = re.compile(r"(?:^|;\s*)caiji_staff=([^;]+)")
KNOWN_LIMIT = 20_000

_known: dict[str, None] = {}


def remember_caller(token: str) -> None:
    """Note that this token has opened a session: its next calls need not queue with strangers."""
    if token not in _known:
        while len(_known) >= KNOWN_LIMIT:
            _known.pop(next(iter(_known)), None)
        _known[token] = None


def _has_large_body(environ: WSGIEnvironment) -> bool:
    size = environ.get("CONTENT_LENGTH", "") or "0"
    return "HTTP_TRANSFER_ENCODING" in environ or not size.isdigit() or int(size) > SMALL_BODY_BYTES


def _find_lane(environ: WSGIEnvironment) -> Lane | None:
    """Return the lane of a request; None for what has none, or takes its own in the view."""
    path = environ.get("PATH_INFO", "")
    if path.startswith(WITHOUT):
        # A body that did not arrive with its head is no notice of WeChat's.
        return PUBLIC if _has_large_body(environ) else None
    if path.startswith("/api/"):
        token = environ.get("HTTP_AUTHORIZATION", "").partition(" ")[2].strip()
        if token not in _known:
            return NEWCOMERS
        upload = UPLOAD.get(environ.get("REQUEST_METHOD", ""))
        return None if upload and upload.fullmatch(path) else STUDENTS
    found = STAFF_COOKIE.search(environ.get("HTTP_COOKIE", ""))
    is_staff = path.startswith("/console") and found is not None and found[1] in _known
    return STAFF if is_staff else PUBLIC


class LaneKeeper:
    """Stands before the application: a request whose lane is full costs only its refusal."""

    def __init__(self, app: WSGIApplication) -> None:
        self._app = app

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Hand the request on while its lane has room; the place is kept until all is sent."""
        lane = _find_lane(environ)
        if lane is None:
            return self._app(environ, start_response)
        with contextlib.ExitStack() as stay:
            if not stay.enter_context(lane.enter()):
                return refuse(environ, start_response)
            answer = self._app(environ, start_response)
            return ClosingIterator(answer, stay.pop_all().close)


def refuse(environ: WSGIEnvironment, start_response: StartResponse) -> list[bytes]:
    """Answer 503 in the form of the surface, without waking the application."""
    kind, text = "text/html", f'<!doctype html><html lang="zh-CN"><title>{BUSY}</title><p>{BUSY}'
    if environ.get("PATH_INFO", "").startswith("/api/"):
        kind = "application/json"
        text = json.dumps({"code": LaneFull.code, "message": BUSY, "request_id": ""})
    body = text.encode()
    headers = [
        ("Content-Type", f"{kind}; charset=utf-8"),
        ("Content-Length", str(len(body))),
        ("Cache-Control", "no-store"),
        ("Retry-After", str(RETRY_AFTER_S)),
    ]
    start_response("503 Service Unavailable", headers)
    return [body]
