"""All background duties of the worker, in one list: what runs, how often, and which jobs."""

from __future__ import annotations

import threading

import structlog

from server.context import Context
from server.services.run_jobs import run_next_job
from server.sweepers import PHOTO_SWEEPERS, Sweeper

log = structlog.get_logger()

JOB_POLL_S = 1.0


def all_sweepers() -> list[Sweeper]:
    """Return every sweeper of the service."""
    return [*PHOTO_SWEEPERS]


def run_jobs_forever(ctx: Context, stopping: threading.Event) -> None:
    """Run background jobs (imports, exports) one after the other until told to stop."""
    while not stopping.is_set():
        try:
            if run_next_job(ctx):
                continue
        except Exception:
            log.exception("job_failed")
        stopping.wait(JOB_POLL_S)
