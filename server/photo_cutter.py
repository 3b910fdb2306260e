"""The worker's thread that cuts the pictures of photo profiles, beside the verdicts.

Nobody waits at a page for these pictures, so one thread makes them, with a checker child of its own
that is started when the first one is asked for and ended when nothing has come for a while.
"""

from __future__ import annotations

import threading
import time

import structlog

from imagecheck.isolated import Checker, ChildGone
from server.context import Context
from server.services.profiles.cut import cut_next
from server.services.profiles.trial import try_next

log = structlog.get_logger()

POLL_S = 0.5
REST_AFTER_ERROR_S = 5.0
IDLE_S = 60.0
"""A child holds the models in 200 MB: it does not stay for a picture a day."""


def cut_photos_forever(ctx: Context, stopping: threading.Event) -> None:
    """Make what waits, somebody's trial first, until told to stop."""
    settings = ctx.settings
    checker = Checker(memory_mb=settings.check_memory_mb, timeout_s=settings.check_timeout_s)
    last = time.monotonic()
    try:
        while not stopping.is_set():
            try:
                if try_next(ctx, checker) or cut_next(ctx, checker):
                    last = time.monotonic()
                    continue
            except ChildGone as error:
                # The row stays claimed until its lease is over; the attempt counts against it.
                log.warning("cut_lost", reason=error.cause)
            except Exception:
                log.exception("cut_failed")
                stopping.wait(REST_AFTER_ERROR_S)
            if time.monotonic() - last > IDLE_S:
                checker.close()
            stopping.wait(POLL_S)
    finally:
        checker.close()
