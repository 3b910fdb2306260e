"""Lanes: how many threads of this process may be busy with one kind of work.

Threads are few, and uploads are long: a body from a phone, then the wait for a verdict. They have
their lanes and get an honest 503 when these are full, so that callbacks, staff and health checks
always find a thread. Calls to WeChat are limited where they are made (``gateways.transport``).
"""

from __future__ import annotations

import contextlib
import functools
import os
import threading
from collections.abc import Callable, Iterator
from typing import Any, TypeVar, cast

from flask import g

from server.errors import ServiceBusy

View = TypeVar("View", bound=Callable[..., Any])

THREADS = int(os.environ.get("WEB_THREADS") or "32")
RETRY_AFTER_S = 3


class LaneFull(ServiceBusy):
    """As many requests of this kind as this process takes are on their way."""

    code = "busy"
    message = "当前使用人数较多,请稍后再试"


class Lane:
    """Room for ``width`` requests of one kind at the same time."""

    def __init__(self, width: int) -> None:
        self.width = max(1, width)
        self._free = threading.BoundedSemaphore(self.width)

    @contextlib.contextmanager
    def enter(self) -> Iterator[bool]:
        """Give True when there was room; it is given back when the block ends."""
        is_in = self._free.acquire(blocking=False)
        try:
            yield is_in
        finally:
            if is_in:
                self._free.release()

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


UPLOADS = Lane(THREADS // 2)
"""Photos that are being received and stored. Entered before the body is read."""
VERDICTS = Lane(THREADS // 4)
"""Uploads that wait for their verdict; the others are answered 202 at once."""
