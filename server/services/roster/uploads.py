"""A roster on its way through the console: received, checked in the background, confirmed.

The file holds whole ID numbers, so it is kept encrypted, and only until it was imported, thrown
away, found to be wrong, or forgotten for a day. One row of ``background_job`` carries it: as
``roster_check`` until somebody confirms what the check found, then as ``roster_import``.
"""

from __future__ import annotations

import contextlib
import datetime as dt
import uuid
from collections.abc import Collection
from typing import Any

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from models import BackgroundJob, describe_place
from server.context import Context
from server.errors import CaijiError, NotFound
from server.gateways.photo_store import PhotoMissing
from server.services.audit import record_audit
from server.services.roster.columns import RosterUnreadable
from server.services.roster.write import ReplacementUnconfirmed
from server.services.viewer import Viewer
from server.sizes import MAX_ROSTER_BYTES

CHECK = "roster_check"
IMPORT = "roster_import"
KINDS = (CHECK, IMPORT)
KEPT_FOR = dt.timedelta(days=1)
SHOWN_JOBS = 10
ENDED = ("done", "failed", "cancelled")


class RosterNotReady(CaijiError):
    """The check is not over, found errors, or found nothing to do."""

    code = "roster_not_ready"
    status = 409
    message = "这份名单现在不能导入：核对未完成、有错误，或没有变化"


def receive_roster(
    ctx: Context, viewer: Viewer, *, data: bytes, file_name: str, can_create_centres: bool
) -> uuid.UUID:
    """Keep an uploaded file, encrypted, and let the worker check it; returns the job.

    The row comes first: a file that a killed process leaves behind is found by it and removed.

    Raises:
        RosterUnreadable: empty or too large.
        PhotoStoreUnavailable: the store is full or away; nothing was kept.
    """
    if not data:
        raise RosterUnreadable("名单文件是空的，请选择文件")
    if len(data) > MAX_ROSTER_BYTES:
        raise RosterUnreadable("名单文件超过 30 MB")
    now = ctx.now()
    with ctx.db.write() as session:
        job = BackgroundJob(
            institution_id=viewer.institution_id,
            kind=CHECK,
            state="receiving",
            parameters={"file_name": file_name[:100], "can_create_centres": can_create_centres},
            started_by=viewer.staff_id,
            created_at=now,
        )
        session.add(job)
        session.flush()
        job.file_key = name_roster(job.id)
        record_audit(
            session,
            viewer,
            "roster.upload",
            at=now,
            subject_kind="background_job",
            subject_id=job.id,
        )
    try:
        write_file(ctx, job, name_roster(job.id), data)
    except CaijiError:
        discard_roster(ctx, viewer, job.id)
        raise
    _move(ctx, job.id, before=(CHECK, "receiving"), state="queued")
    return job.id


def find_roster(ctx: Context, viewer: Viewer, job_id: uuid.UUID) -> BackgroundJob:
    """Return a roster of the viewer's institution; raises NotFound."""
    with ctx.db.read() as session:
        return _get_own(session, viewer, job_id, is_locked=False)


def list_rosters(ctx: Context, viewer: Viewer) -> list[BackgroundJob]:
    """Return the institution's latest rosters, newest first."""
    with ctx.db.read() as session:
        return list(
            session.scalars(
                select(BackgroundJob)
                .where(
                    BackgroundJob.institution_id == viewer.institution_id,
                    BackgroundJob.kind.in_(KINDS),
                )
                .order_by(BackgroundJob.created_at.desc())
                .limit(SHOWN_JOBS)
            )
        )


def confirm_roster(
    ctx: Context, viewer: Viewer, job_id: uuid.UUID, *, replaced: Collection[str] = ()
) -> None:
    """Let the worker import what the check found. A second click changes nothing.

    ``replaced`` are the 学号 that the viewer has confirmed, one by one, to be another person's.

    Raises:
        NotFound, RosterNotReady, ReplacementUnconfirmed.
    """
    now = ctx.now()
    with ctx.db.write() as session:
        job = _get_own(session, viewer, job_id)
        if job.kind == IMPORT:
            return
        if not is_importable(job):
            raise RosterNotReady
        wanted = {student_no for _, student_no, *_ in job.result.get("first_replaced", [])}
        if not wanted <= set(replaced):
            raise ReplacementUnconfirmed
        job.kind, job.state = IMPORT, "queued"
        job.done_count = job.total_count = 0
        job.parameters = {
            **job.parameters,
            "confirmed_by": str(viewer.staff_id),
            "replaced": sorted(wanted),
        }
        record_audit(
            session,
            viewer,
            "roster.import",
            at=now,
            subject_kind="background_job",
            subject_id=job.id,
            new=job.result["new"],
            changed=job.result["changed"],
            replaced=len(wanted),
        )


def is_importable(job: BackgroundJob) -> bool:
    """Tell whether a checked roster may be confirmed."""
    found = job.result
    return (
        job.kind == CHECK
        and job.state == "done"
        and job.file_key is not None
        and not found["faults"]
        and found["new"] + found["changed"] > 0
    )


def discard_roster(ctx: Context, viewer: Viewer, job_id: uuid.UUID) -> None:
    """Throw a roster away that nobody has confirmed; raises NotFound."""
    with ctx.db.write() as session:
        job = _get_own(session, viewer, job_id)
        if job.kind == IMPORT:
            return
        job.state, job.finished_at = "cancelled", ctx.now()
    remove_file(ctx, job)


def read_faults(ctx: Context, viewer: Viewer, job_id: uuid.UUID) -> bytes:
    """Return every error of a checked roster as CSV; raises NotFound."""
    job = find_roster(ctx, viewer, job_id)
    if job.state != "done" or not job.result.get("faults") or job.file_key is None:
        raise NotFound
    return read_file(ctx, job)


def write_file(ctx: Context, job: BackgroundJob, key: str, data: bytes) -> None:
    """Keep bytes under a key of the job, encrypted for this job alone."""
    ctx.photo_store.delete(key)
    ctx.photo_store.put(key, ctx.cipher.encrypt(data, place=_place_of(job)))


def read_file(ctx: Context, job: BackgroundJob) -> bytes:
    """Return the bytes that the job keeps; raises NotFound."""
    if job.file_key is None:
        raise NotFound("名单文件已删除，请重新上传")
    try:
        stored = ctx.photo_store.get(job.file_key)
    except PhotoMissing as error:
        raise NotFound("名单文件已删除，请重新上传") from error
    return ctx.cipher.decrypt_bytes(stored, place=_place_of(job))


def remove_file(ctx: Context, job: BackgroundJob) -> None:
    """Remove what the job keeps of people: its files, and the rows that its page showed."""
    for key in (name_roster(job.id), name_faults(job.id)):
        ctx.photo_store.delete(key)
    with ctx.db.write() as session:
        row = session.scalars(
            select(BackgroundJob).where(BackgroundJob.id == job.id).with_for_update()
        ).one()
        row.file_key = None
        row.result = {k: v for k, v in row.result.items() if not k.startswith("first_")}


def name_roster(job_id: uuid.UUID) -> str:
    """Return the key of an uploaded file."""
    return f"rosters/{job_id}/roster"


def name_faults(job_id: uuid.UUID) -> str:
    """Return the key of the list of errors."""
    return f"rosters/{job_id}/faults"


def remove_spent_rosters(ctx: Context) -> int:
    """Remove files that nobody needs any more; returns how many.

    Spent is what was imported, failed or was thrown away at once, and everything after a day.
    """
    old = ctx.now() - KEPT_FOR
    with ctx.db.read() as session:
        jobs = session.scalars(
            select(BackgroundJob).where(
                BackgroundJob.kind.in_(KINDS), BackgroundJob.file_key.is_not(None)
            )
        ).all()
    spent = [job for job in jobs if _is_over(job) or job.created_at < old]
    for job in spent:
        # A store that is away must not keep the others from being removed.
        with contextlib.suppress(CaijiError):
            if job.kind == CHECK:
                _move(ctx, job.id, before=(CHECK, job.state), state="cancelled")
            remove_file(ctx, job)
    return len(spent)


def _is_over(job: BackgroundJob) -> bool:
    ended = ENDED if job.kind == IMPORT else ("failed", "cancelled")
    return job.state in ended


def _move(ctx: Context, job_id: uuid.UUID, *, before: tuple[str, str], **values: Any) -> None:
    kind, state = before
    with ctx.db.write() as session:
        session.execute(
            update(BackgroundJob)
            .where(
                BackgroundJob.id == job_id,
                BackgroundJob.kind == kind,
                BackgroundJob.state == state,
            )
            .values(**values)
        )


def _get_own(
    session: Session, viewer: Viewer, job_id: uuid.UUID, *, is_locked: bool = True
) -> BackgroundJob:
    query = select(BackgroundJob).where(
        BackgroundJob.id == job_id,
        BackgroundJob.institution_id == viewer.institution_id,
        BackgroundJob.kind.in_(KINDS),
    )
    job = session.scalars(query.with_for_update() if is_locked else query).one_or_none()
    if job is None:
        raise NotFound
    return job


def _place_of(job: BackgroundJob) -> bytes:
    return describe_place("background_job", "file", job.id)
