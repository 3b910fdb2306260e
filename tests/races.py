"""Forced interleavings: one thread stands still at a statement while another one does its work."""

from __future__ import annotations

import concurrent.futures
import contextlib
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import event, text

from server.db import Database

PATIENCE_S = 60.0
BLOCKED = text(
    "SELECT count(*) FROM pg_stat_activity"
    " WHERE datname = current_database() AND wait_event_type = 'Lock'"
)


@dataclass
class Pause:
    """The place at which the first thread that comes there stops."""

    fragment: str
    reached: threading.Event = field(default_factory=threading.Event)
    may_go: threading.Event = field(default_factory=threading.Event)

    def __call__(self, *arguments: Any) -> None:
        if self.fragment in str(arguments[2]) and not self.reached.is_set():
            self.reached.set()
            assert self.may_go.wait(PATIENCE_S), self.fragment


@contextlib.contextmanager
def pause_before(db: Database, fragment: str) -> Iterator[Pause]:
    """Let the first thread that is about to send such a statement wait until it may go."""
    pause = Pause(fragment)
    event.listen(db.engine, "before_cursor_execute", pause)
    try:
        yield pause
    finally:
        pause.may_go.set()
        event.remove(db.engine, "before_cursor_execute", pause)


def interleave(
    db: Database, first: Callable[[], Any], second: Callable[[], Any], *, at: str
) -> tuple[Any, Any]:
    """Run ``first`` up to the statement ``at``, then ``second`` until it ends or waits for a lock.

    Returns what both came to, an exception as a value. PostgreSQL only.
    """
    with concurrent.futures.ThreadPoolExecutor(2) as pool, pause_before(db, at) as pause:
        one = pool.submit(first)
        assert pause.reached.wait(PATIENCE_S), f"never came to {at}: {one}"
        other = pool.submit(second)
        wait_until_blocked(db, other)
        pause.may_go.set()
        return outcome(one), outcome(other)


def wait_until_blocked(db: Database, other: concurrent.futures.Future[Any]) -> None:
    deadline = time.monotonic() + PATIENCE_S
    watcher = db.engine.execution_options(isolation_level="AUTOCOMMIT")
    with watcher.connect() as connection:
        while not other.done() and not connection.scalar(BLOCKED):
            assert time.monotonic() < deadline, "neither done nor blocked"
            time.sleep(0.01)


def outcome(future: concurrent.futures.Future[Any]) -> Any:
    error = future.exception(PATIENCE_S)
    return error if error is not None else future.result()
