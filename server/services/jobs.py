"""Background jobs: long pieces of work that a page or a command starts and that carry progress.

Truth is the row: a job whose process was killed is taken up again by the next worker, and its
handler goes on from the row's counters or starts over, as it documents.
"""

from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import Callable

import structlog
from sqlalchemy import or_, select, update

from models import BackgroundJob
from server.context import Context
from server.errors import CaijiError

log = structlog.get_logger()

Handler = Callable[[Context, uuid.UUID], None]
STALE_AFTER = dt.timedelta(seconds=30)
"""A running job without progress for so long lost its process."""

_handlers: dict[str, Handler] = {}


class JobTaken(Exception):
    """The job was cancelled, or another process took it for lost: this one lets go of it."""


def register_job(kind: str, handler: Handler) -> None:
    """Let ``handler`` run jobs of ``kind``; it owns its transactions and reports progress."""
    _handlers[kind] = handler


def claim_next_job(ctx: Context) -> BackgroundJob | None:
    """Return the oldest job that waits or lost its process, now marked as running."""
    now = ctx.now()
    is_lost = (BackgroundJob.state == "running") & (BackgroundJob.progressed_at < now - STALE_AFTER)
    is_free = or_(BackgroundJob.state == "queued", is_lost)
    with ctx.db.read() as session:
        candidate = session.scalars(
            select(BackgroundJob).where(is_free).order_by(BackgroundJob.created_at).limit(1)
        ).first()
    if candidate is None:
        return None
    with ctx.db.write() as session:
        result = session.execute(
            update(BackgroundJob)
            .where(BackgroundJob.id == candidate.id, is_free)
            .values(state="running", progressed_at=now)
            .execution_options(synchronize_session=False)
        )
        return candidate if result.rowcount else None  # type: ignore[attr-defined]


def run_next_job(ctx: Context) -> bool:
    """Run one job to its end; returns whether there was one."""
    job = claim_next_job(ctx)
    if job is None:
        return False
    handler = _handlers.get(job.kind)
    try:
        if handler is None:
            finish_job(ctx, job.id, state="failed", error="未知的任务类型")
        else:
            handler(ctx, job.id)
            finish_job(ctx, job.id, state="done")
    except JobTaken:
        log.warning("job_taken", job_id=str(job.id), kind=job.kind)
    except CaijiError as error:
        finish_job(ctx, job.id, state="failed", error=error.shown_message)
    except Exception:
        log.exception("job_failed", job_id=str(job.id), kind=job.kind)
        finish_job(ctx, job.id, state="failed", error="任务执行出错，请联系管理员")
    return True


def report_progress(ctx: Context, job_id: uuid.UUID, done: int, total: int) -> None:
    """Note how far a job is; also keeps it from being taken for lost."""
    with ctx.db.write() as session:
        session.execute(
            update(BackgroundJob)
            .where(BackgroundJob.id == job_id)
            .values(done_count=done, total_count=total, progressed_at=ctx.now())
        )


def finish_job(ctx: Context, job_id: uuid.UUID, *, state: str, error: str = "") -> None:
    """End a running job as ``done``, ``failed`` or ``cancelled``."""
    with ctx.db.write() as session:
        session.execute(
            update(BackgroundJob)
            .where(BackgroundJob.id == job_id, BackgroundJob.state == "running")
            .values(state=state, error=error[:500], finished_at=ctx.now())
        )
