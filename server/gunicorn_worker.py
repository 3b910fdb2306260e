"""gunicorn's threaded worker, without the ways in which slow or unlucky clients hurt others.

A thread is given to a request once its head and its body (where that is small) have arrived: until
then the event loop keeps the connection, for ten seconds. What then takes longer than a minute to
be received and answered is cut off. Each override leans on names inside gunicorn, whose version is
pinned; ``tests/crash/test_strangers.py`` and ``test_burst.py`` fail when one no longer works.
"""

from __future__ import annotations

import contextlib
import ctypes
import re
import socket
import time
from concurrent.futures import Future, ThreadPoolExecutor
from functools import partial
from selectors import EVENT_READ
from typing import Any
from weakref import WeakKeyDictionary

from gunicorn.workers.gthread import TConn, ThreadWorker

from server.garbage import spare_what_stays
from server.sizes import SMALL_BODY_BYTES

ARRIVAL_S = 10.0
"""Time for the head of a request, and for a small body behind it."""
REQUEST_S = 60.0
"""Time from the head to the end of the answer; wx.uploadFile gives up after as long."""
STALL_S = 15.0
"""Time for any single read or write."""
UNLIMITED = re.compile(r"/console/exports/")
"""Archives are large, and only for staff who signed in; they may take as long as they move on."""
PEEK_BYTES = SMALL_BODY_BYTES + 32 * 1024
HEAD_END = b"\r\n\r\n"
CONTENT_LENGTH = re.compile(rb"\r\ncontent-length:[ \t]*(\d{1,18})[ \t]*\r\n", re.IGNORECASE)
EXPECTS = re.compile(rb"\r\nexpect:", re.IGNORECASE)
DRAIN_S = 0.05
"""Time in which a refused body may still arrive whole; the rest is drained by a closing thread."""
CLOSING_THREADS = 4
M_ARENA_MAX = -8
"""glibc's name of the setting, malloc.h."""


def has_arrived(data: bytes) -> bool:
    """Tell whether a thread can be given to what the client has sent so far.

    A large body is read by its view, in the lane of that view; so is one of unknown length, and
    one whose client waits to be asked for it.
    """
    end = data.find(HEAD_END)
    if end < 0:
        return len(data) >= PEEK_BYTES
    head = data[: end + 2]
    found = CONTENT_LENGTH.search(head)
    size = int(found[1]) if found else 0
    return size > SMALL_BODY_BYTES or len(data) >= end + 4 + size or bool(EXPECTS.search(head))


class Worker(ThreadWorker):  # type: ignore[misc]
    """Threads for requests; the event loop waits for nobody; stopping resets nobody."""

    def init_process(self) -> None:
        """Make the threads that close connections, then start."""
        _limit_arenas()
        self._closing = ThreadPoolExecutor(CLOSING_THREADS, thread_name_prefix="closing")
        self._in_hand: dict[TConn, float] = {}
        self._peeked: WeakKeyDictionary[TConn, int] = WeakKeyDictionary()
        super().init_process()

    def load_wsgi(self) -> None:
        """Load the application, which then stays."""
        super().load_wsgi()
        spare_what_stays()

    def enqueue_req(self, conn: TConn) -> None:
        """Give the connection a thread when its request is there; else wait for the rest of it."""
        buffered = conn.parser.unreader.buf.getvalue() if conn.parser else b""
        conn.timeout = time.monotonic() + ARRIVAL_S
        if buffered and not has_arrived(buffered):
            # Half a request sent behind another one: nobody honest does it, and no peek can wait.
            self.nr_conns -= 1
            conn.close()
        elif buffered or self._is_ready(conn):
            conn.data_ready = True
            super().enqueue_req(conn)
        else:
            self.pending_conns.append(conn)
            self._await_more(conn)

    def on_pending_socket_readable(self, conn: TConn, client: socket.socket) -> None:
        """Look again at a request that was not complete."""
        self.poller.unregister(client)
        seen = self._peeked.pop(conn, 0)
        # Woken although nothing more is there: the client has hung up, the rest will never come.
        if self._is_ready(conn) or 0 < seen == self._peeked.get(conn):
            self._peeked.pop(conn, None)
            self.pending_conns.remove(conn)
            conn.data_ready = True
            super().enqueue_req(conn)
        else:
            self._await_more(conn)

    def _is_ready(self, conn: TConn) -> bool:
        """Look at what has arrived without taking it; ask to be woken by the next byte."""
        conn.sock.setblocking(False)
        try:
            data = conn.sock.recv(PEEK_BYTES, socket.MSG_PEEK)
        except BlockingIOError:
            return False
        except OSError:
            return True  # the thread will see the same error, and close
        is_over = not data or has_arrived(data)
        if not is_over:
            self._peeked[conn] = len(data)
        conn.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVLOWAT, 1 if is_over else len(data) + 1)
        return is_over

    def _await_more(self, conn: TConn) -> None:
        callback = partial(self.on_pending_socket_readable, conn)
        self.poller.register(conn.sock, EVENT_READ, callback)

    def handle_request(self, req: Any, conn: TConn) -> Any:
        """Serve one request; a client that stalls or takes too long loses the connection."""
        conn.sock.settimeout(STALL_S)
        if not UNLIMITED.match(req.path):
            self._in_hand[conn] = time.monotonic() + REQUEST_S
        try:
            return super().handle_request(req, conn)
        finally:
            self._in_hand.pop(conn, None)

    def murder_pending(self) -> None:
        """Close what did not arrive in time, and cut off what is not answered in time."""
        super().murder_pending()
        now = time.monotonic()
        for conn, until in list(self._in_hand.items()):
            if until < now and self._in_hand.pop(conn, 0.0):
                with contextlib.suppress(OSError):
                    conn.sock.shutdown(socket.SHUT_RDWR)

    def _keepalive_after(self, conn: TConn, keepalive: bool) -> bool:  # noqa: FBT001 - gunicorn's
        """Tell whether the connection can be used again once an unread body was thrown away."""
        return bool(keepalive and conn.parser.finish_body(deadline=time.monotonic() + DRAIN_S))

    def finish_request(self, conn: TConn, done: Future[Any]) -> None:
        """Keep or close the connection; a lingering close waits for its client elsewhere."""
        if "close" not in vars(conn):  # once: it may come back here for every request it sends
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
