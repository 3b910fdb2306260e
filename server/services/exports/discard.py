"""Archives end: after a week, when staff say so, or when somebody in them has to be in none."""

from __future__ import annotations

import datetime as dt
import uuid

from sqlalchemy import or_, select, update

from models import BackgroundJob, DeletionRecord
from server.context import Context
from server.services.pieces import try_to_delete_chunks

KIND = "export"
KEPT = dt.timedelta(days=7)
UNFINISHED = ("queued", "running")


def delete_expired_exports(ctx: Context) -> int:
    """Remove archives whose week is over, and pieces that ended exports left (a sweeper)."""
    over = or_(
        BackgroundJob.state.in_(("failed", "cancelled")),
        (BackgroundJob.state == "done") & (BackgroundJob.finished_at < ctx.now() - KEPT),
    )
    with ctx.db.read() as session:
        jobs = session.scalars(
            select(BackgroundJob).where(
                BackgroundJob.kind == KIND, BackgroundJob.file_key.is_not(None), over
            )
        ).all()
    return sum(discard(ctx, job, "expired") for job in jobs)


def discard_archives(ctx: Context, institution_id: uuid.UUID, batch_id: uuid.UUID | None) -> int:
    """Delete the archives of a batch that hold somebody who has to be in none of them.

    They can be made anew, without that person. Returns how many.
    """
    with ctx.db.read() as session:
        jobs = session.scalars(
            select(BackgroundJob).where(
                BackgroundJob.institution_id == institution_id,
                BackgroundJob.kind == KIND,
                BackgroundJob.state == "done",
                BackgroundJob.file_key.is_not(None),
            )
        ).all()
    of_batch = [job for job in jobs if job.parameters.get("batch_id") == str(batch_id)]
    return sum(discard(ctx, job, "deletion request") for job in of_batch)


def discard(ctx: Context, job: BackgroundJob, reason: str) -> bool:
    """Delete what an export that is not under way has in the store; returns whether it went."""
    if job.file_key is None:
        return False
    count = int(job.result.get("chunk_count", 0))
    if not try_to_delete_chunks(ctx.photo_store, job.file_key, count):
        return False
    with ctx.db.write() as session:
        session.execute(
            update(BackgroundJob)
            .where(BackgroundJob.id == job.id, BackgroundJob.state.not_in(UNFINISHED))
            .values(file_key=None)
        )
        session.add(
            DeletionRecord(at=ctx.now(), subject_kind=KIND, subject_id=str(job.id), reason=reason)
        )
    return True
