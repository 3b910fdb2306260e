"""How many uploads may wait for their verdict at once.

An upload that waits holds a thread. Only some of the threads may do so; the others answer 202 at
once and leave room for callbacks, staff and health checks.
"""

from __future__ import annotations

import contextlib
import os
import threading
from collections.abc import Iterator

THREADS = int(os.environ.get("WEB_THREADS") or "16")
MAX_WAITERS = max(1, THREADS // 4)
MAX_UPLOADS = max(2, THREADS // 2)

_waiters = threading.BoundedSemaphore(MAX_WAITERS)
_uploads = threading.BoundedSemaphore(MAX_UPLOADS)


@contextlib.contextmanager
def take_upload_slot() -> Iterator[bool]:
    """Give True while fewer than MAX_UPLOADS uploads are being taken in by this process."""
    with _take(_uploads) as is_free:
        yield is_free


@contextlib.contextmanager
def take_waiting_slot() -> Iterator[bool]:
    """Give True while fewer than MAX_WAITERS uploads wait for their verdict."""
    with _take(_waiters) as is_free:
        yield is_free


@contextlib.contextmanager
def _take(semaphore: threading.BoundedSemaphore) -> Iterator[bool]:
    is_taken = semaphore.acquire(blocking=False)
    try:
        yield is_taken
    finally:
        if is_taken:
            semaphore.release()
