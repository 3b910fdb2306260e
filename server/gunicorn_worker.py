"""gunicorn's threaded worker, without three ways in which slow or unlucky clients hurt others.

Each override leans on names inside gunicorn, whose version is pinned; ``tests/crash/test_burst.py``
fails when one of them no longer works.
"""

from __future__ import annotations

import contextlib
import ctypes
import time
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

from gunicorn.workers.gthread import TConn, ThreadWorker

DRAIN_S = 0.5
"""Time in which a refused body may still arrive whole; gunicorn allows five seconds a thread."""
CLOSING_THREADS = 4
M_ARENA_MAX = -8
"""glibc's name of the setting, malloc.h."""


class Worker(ThreadWorker):  # type: ignore[misc]
    """Threads for requests; the event loop waits for nobody; stopping resets nobody."""

    def init_process(self) -> None:
        """Make the threads that close connections, then start."""
        _limit_arenas()
        self._closing = ThreadPoolExecutor(CLOSING_THREADS, thread_name_prefix="closing")
        super().init_process()

    def _keepalive_after(self, conn: TConn, keepalive: bool) -> bool:  # noqa: FBT001 - gunicorn's
        """Tell whether the connection can be used again once an unread body was thrown away."""
        return bool(keepalive and conn.parser.finish_body(deadline=time.monotonic() + DRAIN_S))

    def finish_request(self, conn: TConn, done: Future[Any]) -> None:
        """Keep or close the connection; a lingering close waits for its client elsewhere."""
        close = conn.close
        conn.close = lambda graceful=False: (
            self._closing.submit(close, graceful=True) if graceful else close()
        )
        super().finish_request(conn, done)

    def set_accept_enabled(self, enabled: bool) -> None:  # noqa: FBT001 - gunicorn's signature
        """When stopping, take what the kernel has accepted for us before nobody listens."""
        super().set_accept_enabled(enabled)
        if enabled or self.alive:
            return
        for listener in self.sockets:
            waiting = -1
            while waiting != self.nr_conns:
                waiting = self.nr_conns
                self.accept(listener)
            listener.close()


def _limit_arenas() -> None:
    """Let all threads share two heaps: one a thread keeps the peaks of each of them resident."""
    with contextlib.suppress(OSError, AttributeError):
        ctypes.CDLL(None).mallopt(M_ARENA_MAX, 2)
