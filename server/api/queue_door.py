"""The door before uploads: shut for the moment after somebody was told that the queue is full."""

from __future__ import annotations

import contextlib
import datetime as dt
import functools
from collections.abc import Callable, Iterator
from typing import Any, TypeVar, cast

from flask import current_app

from server.services.photo.queue_wait import QueueFull
from server.surfaces import get_ctx

View = TypeVar("View", bound=Callable[..., Any])
KNOWN_FOR = dt.timedelta(seconds=0.3)


class QueueDoor:
    """Knows for a moment that the queue was full: until then an upload costs its refusal alone.

    Reading, storing and looking up what will be refused anyway would take the processor from
    callbacks, just when everybody comes.
    """

    def __init__(self) -> None:
        self._until = dt.datetime.min.replace(tzinfo=dt.UTC)
        self._retry_after_s = 0

    @contextlib.contextmanager
    def enter(self, now: dt.datetime) -> Iterator[None]:
        """Give the upload its turn; raises QueueFull where one was refused a moment ago."""
        if now < self._until <= now + KNOWN_FOR:
            raise QueueFull(retry_after_s=self._retry_after_s)
        try:
            yield
        except QueueFull as full:
            self._until, self._retry_after_s = now + KNOWN_FOR, full.retry_after_s or 0
            raise


def before_queue(view: View) -> View:
    """Let an upload through the door of this app, before its body is read.

    Raises:
        QueueFull.
    """

    @functools.wraps(view)
    def through(*args: Any, **kwargs: Any) -> Any:
        door: QueueDoor = current_app.extensions["caiji_queue_door"]
        with door.enter(get_ctx().now()):
            return view(*args, **kwargs)

    return cast("View", through)
