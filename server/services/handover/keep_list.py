"""A list on its way through the console: received, encrypted, until its columns are mapped."""

from __future__ import annotations

import datetime as dt
import uuid

from sqlalchemy import delete, select

from models import BackgroundJob, describe_place
from server.context import Context
from server.errors import NotFound
from server.gateways.photo_store import PhotoMissing
from server.services.audit import record_audit
from server.services.roster.read_apart import read_table_apart
from server.services.viewer import Viewer

KIND = "chsi_results"
KEPT_FOR = dt.timedelta(days=1)
Lines = list[list[str]]


def receive_list(ctx: Context, viewer: Viewer, *, data: bytes, file_name: str) -> uuid.UUID:
    """Read a list once, to refuse what is none, and keep it encrypted; returns its id.

    Raises:
        RosterUnreadable, PhotoStoreUnavailable.
    """
    read_table_apart(data)
    now = ctx.now()
    with ctx.db.write() as session:
        job = BackgroundJob(
            institution_id=viewer.institution_id,
            kind=KIND,
            state="done",
            parameters={"file_name": file_name[:100]},
            started_by=viewer.staff_id,
            created_at=now,
        )
        session.add(job)
        session.flush()
        job.file_key = f"rosters/{job.id}/results"
        record_audit(
            session, viewer, "chsi.list_upload", at=now, subject_kind=KIND, subject_id=job.id
        )
    ctx.photo_store.put(job.file_key, ctx.cipher.encrypt(data, place=_place_of(job.id)))
    return job.id


def read_list(ctx: Context, viewer: Viewer, list_id: uuid.UUID) -> Lines:
    """Return the lines of a kept list, its head first; raises NotFound."""
    with ctx.db.read() as session:
        job = session.get(BackgroundJob, list_id)
    if job is None or job.kind != KIND or job.institution_id != viewer.institution_id:
        raise NotFound
    try:
        stored = ctx.photo_store.get(job.file_key or "")
    except (PhotoMissing, ValueError) as error:
        raise NotFound("清单已删除，请重新上传") from error
    return read_table_apart(ctx.cipher.decrypt_bytes(stored, place=_place_of(list_id)))


def check_list(ctx: Context, job_id: uuid.UUID) -> None:
    """Read a kept list once more: what a job of this kind does, where one is queued again.

    Raises:
        RosterUnreadable, PhotoMissing.
    """
    stored = ctx.photo_store.get(f"rosters/{job_id}/results")
    read_table_apart(ctx.cipher.decrypt_bytes(stored, place=_place_of(job_id)))


def forget_list(ctx: Context, list_id: uuid.UUID) -> None:
    """Delete a list that was applied or thrown away."""
    ctx.photo_store.delete(f"rosters/{list_id}/results")
    with ctx.db.write() as session:
        session.execute(
            delete(BackgroundJob).where(BackgroundJob.id == list_id, BackgroundJob.kind == KIND)
        )


def forget_old_lists(ctx: Context) -> int:
    """Delete what nobody applied within a day (a sweeper)."""
    with ctx.db.read() as session:
        old = session.scalars(
            select(BackgroundJob.id).where(
                BackgroundJob.kind == KIND, BackgroundJob.created_at < ctx.now() - KEPT_FOR
            )
        ).all()
    for list_id in old:
        forget_list(ctx, list_id)
    return len(old)


def _place_of(list_id: uuid.UUID) -> bytes:
    return describe_place("background_job", "file", list_id)
