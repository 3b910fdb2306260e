"""All background duties of the worker, in one list: what runs, how often, and which jobs."""

from __future__ import annotations

import threading

import structlog

from server.context import Context
from server.export_sweepers import EXPORT_SWEEPERS
from server.money_sweepers import MONEY_SWEEPERS
from server.services.export_jobs import KIND as EXPORT
from server.services.purge import sweep_old_data
from server.services.roster_jobs import register_roster_jobs
from server.services.roster_uploads import remove_spent_rosters
from server.services.run_export import run_export
from server.services.run_jobs import register_job, run_next_job
from server.sweepers import PHOTO_SWEEPERS, Sweeper

log = structlog.get_logger()

JOB_POLL_S = 1.0


JOB_SWEEPERS = [Sweeper("remove_spent_rosters", 60, remove_spent_rosters), *EXPORT_SWEEPERS]

RETENTION_SWEEPERS = [Sweeper("delete_old_data", 3600, sweep_old_data)]

SWEEPERS: dict[str, list[Sweeper]] = {
    "photos": PHOTO_SWEEPERS,
    "money": MONEY_SWEEPERS,
    "jobs": JOB_SWEEPERS,
    "retention": RETENTION_SWEEPERS,
}
"""Every sweeper, by the thread that runs it: a gateway that hangs must not delay a verdict."""


def register_jobs() -> None:
    """Let this process run every kind of background job."""
    register_roster_jobs()
    register_job(EXPORT, run_export)


def run_jobs_forever(ctx: Context, stopping: threading.Event) -> None:
    """Run background jobs (imports, exports) one after the other until told to stop."""
    register_jobs()
    while not stopping.is_set():
        try:
            if run_next_job(ctx):
                continue
        except Exception:
            log.exception("job_failed")
        stopping.wait(JOB_POLL_S)
