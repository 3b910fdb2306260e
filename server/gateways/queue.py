"""The work queue: carries ids of photos that wait for their verdict, nothing else.

Truth is in the database. Losing the whole queue loses no work: the sweeper tops it up to one
message for each waiting photo. Messages are JSON, never pickle.
"""

from __future__ import annotations

import json
import urllib.parse
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any

import structlog
from huey import Huey, PostgresHuey, RedisHuey
from huey.registry import Message
from huey.serializer import Serializer
from redis import ConnectionPool

from server.gateways.queue_sqlite import LastingSqliteHuey

log = structlog.get_logger()

QUEUE_NAME = "caiji"
CONNECT_TIMEOUT_S = 2
ANSWER_TIMEOUT_S = 5
"""Longer than the second that a worker waits for the next id."""


class QueueUnavailable(Exception):
    """The queue cannot be reached. The sweeper will enqueue later."""


class JsonSerializer(Serializer):  # type: ignore[misc]
    """Writes huey's messages as JSON lists."""

    def _serialize(self, data: Any) -> bytes:
        return json.dumps(list(data) if isinstance(data, Message) else data).encode()

    def _deserialize(self, data: bytes) -> Any:
        loaded = json.loads(bytes(data))
        return Message(*loaded) if isinstance(loaded, list) else loaded


class WorkQueue:
    """Puts photo ids into the queue; the worker registers what happens to them.

    Raises QueueUnavailable when a queue on SQLite or PostgreSQL cannot make its tables.
    """

    def __init__(self, url: str) -> None:
        try:
            self.huey = _create_huey(url)
        except Exception as error:  # each backend has its own family of errors
            raise QueueUnavailable(type(error).__name__) from error
        self._handler: Callable[[uuid.UUID], None] | None = None
        self._check_photo = self.huey.task(name="check_photo")(self._handle)

    def _handle(self, photo_id: str) -> None:
        if self._handler is None:
            raise RuntimeError("no handler: only the worker takes work from the queue")
        self._handler(uuid.UUID(photo_id))

    def on_photo(self, handler: Callable[[uuid.UUID], None]) -> None:
        """Let ``handler`` do the work; called by the worker at its start."""
        self._handler = handler

    def enqueue_photo(self, photo_id: uuid.UUID) -> None:
        """Ask for the verdict of one photo; raises QueueUnavailable."""
        try:
            self._check_photo(str(photo_id))
        except Exception as error:  # each backend has its own family of errors
            raise QueueUnavailable(type(error).__name__) from error

    def count_waiting(self) -> int:
        """Return how many ids wait in the queue; raises QueueUnavailable."""
        try:
            return int(self.huey.pending_count())
        except Exception as error:  # each backend has its own family of errors
            raise QueueUnavailable(type(error).__name__) from error


def _create_huey(url: str) -> Huey:
    options = {"results": False, "serializer": JsonSerializer()}
    parts = urllib.parse.urlsplit(url)
    if parts.scheme == "sqlite":
        path = Path(parts.path)
        path.parent.mkdir(parents=True, exist_ok=True)
        # The queue may lose its last second in a power cut: the sweeper refills it.
        return LastingSqliteHuey(QUEUE_NAME, filename=str(path), fsync=False, timeout=4, **options)
    if parts.scheme == "postgresql":
        return PostgresHuey(QUEUE_NAME, dsn=url, connect_timeout=CONNECT_TIMEOUT_S, **options)
    pool = ConnectionPool.from_url(
        url, socket_connect_timeout=CONNECT_TIMEOUT_S, socket_timeout=ANSWER_TIMEOUT_S
    )
    return RedisHuey(QUEUE_NAME, connection_pool=pool, **options)
