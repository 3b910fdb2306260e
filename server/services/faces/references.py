"""参考照片: what the college brings to compare with, a zip of admission photos named by 学号.

The zip lies sealed in pieces until the worker has read it, a day at most. Of each student who
agreed to comparing a small picture and its measurement are kept, sealed with FACE_KEYS, in one
row; nothing of anybody else is.
"""

from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from typing import IO

from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from models import (
    BackgroundJob,
    Enrolment,
    FaceHint,
    FaceHintKind,
    FaceReference,
    Photo,
    describe_place,
)
from server.context import Context
from server.errors import CaijiError, NotFound
from server.services.audit import record_audit
from server.services.bounded_zip import ZipRefused, open_zip
from server.services.faces.allow import is_switched_on, may_compare
from server.services.faces.forget import forget_references
from server.services.pieces import CHUNK_BYTES, ChunkWriter, try_to_delete_chunks
from server.services.viewer import Viewer

KIND = "face_references"
MOST_PICTURES = 20_000
MOST_ZIP_BYTES = 300 * 1024 * 1024
MOST_UNPACKED_BYTES = 2 * MOST_ZIP_BYTES
KEPT_FOR = dt.timedelta(days=1)
UNFINISHED = ("receiving", "queued", "running")
LISTED = 5


class FacesSwitchedOff(CaijiError):
    """The college does not compare faces: it may keep no reference either."""

    code = "faces_switched_off"
    status = 409
    message = "人脸比对没有开启，不能导入参考照片"


class ReferenceBusy(CaijiError):
    """One import at a time: two of them would overwrite each other."""

    code = "reference_busy"
    status = 409
    message = "上一次导入还没有结束，请等它结束后再上传"


@dataclass(frozen=True)
class ReferenceCounts:
    """What is kept of references: pictures, how many are measured, how many show no face."""

    kept: int
    measured: int
    faceless: int


def receive_references(ctx: Context, viewer: Viewer, stream: IO[bytes]) -> uuid.UUID:
    """Keep a zip for the worker and return the job that reads it; owns its transactions.

    Raises:
        FacesSwitchedOff, ReferenceBusy, ZipRefused, PhotoStoreUnavailable.
    """
    with ctx.db.read() as session:
        if not is_switched_on(ctx, session, viewer.institution_id):
            raise FacesSwitchedOff
    if stream.seek(0, 2) > MOST_ZIP_BYTES:
        raise ZipRefused("zip 太大，请分几次上传")
    open_zip(stream, most_files=MOST_PICTURES, most_bytes=MOST_UNPACKED_BYTES)
    job_id = _open_job(ctx, viewer)
    try:
        size = _keep(ctx, job_id, stream)
    except CaijiError:
        _end_receiving(ctx, job_id, state="failed")
        try_to_delete_chunks(ctx.photo_store, job_id.hex)
        raise
    _end_receiving(ctx, job_id, state="queued", parameters={"size": size})
    return job_id


def _open_job(ctx: Context, viewer: Viewer) -> uuid.UUID:
    """The row comes first: pieces that a killed process leaves behind are found by it."""
    with ctx.db.write() as session:
        is_busy = select(BackgroundJob.id).where(
            BackgroundJob.institution_id == viewer.institution_id,
            BackgroundJob.kind == KIND,
            BackgroundJob.state.in_(UNFINISHED),
        )
        if session.scalars(is_busy.limit(1)).first() is not None:
            raise ReferenceBusy
        job = BackgroundJob(
            institution_id=viewer.institution_id,
            kind=KIND,
            state="receiving",
            started_by=viewer.staff_id,
            created_at=ctx.now(),
        )
        session.add(job)
        session.flush()
        job.file_key = job.id.hex
        record_audit(
            *(session, viewer, "faces.references"),
            at=ctx.now(),
            subject_kind="background_job",
            subject_id=job.id,
        )
        return job.id


def _keep(ctx: Context, job_id: uuid.UUID, stream: IO[bytes]) -> int:
    out = ChunkWriter(ctx, job_id.hex)
    stream.seek(0)
    while part := stream.read(CHUNK_BYTES):
        out.write(part)
        out.settle()
    return out.finish()[0]


def _end_receiving(ctx: Context, job_id: uuid.UUID, *, state: str, **values: object) -> None:
    with ctx.db.write() as session:
        session.execute(
            update(BackgroundJob)
            .where(BackgroundJob.id == job_id, BackgroundJob.state == "receiving")
            .values(state=state, **values)
        )


def list_imports(ctx: Context, viewer: Viewer) -> list[BackgroundJob]:
    """Return the latest imports of the viewer's college, newest first."""
    query = (
        select(BackgroundJob)
        .where(BackgroundJob.institution_id == viewer.institution_id, BackgroundJob.kind == KIND)
        .order_by(BackgroundJob.created_at.desc())
        .limit(LISTED)
    )
    with ctx.db.read() as session:
        return list(session.scalars(query))


def view_import(ctx: Context, viewer: Viewer, job_id: uuid.UUID) -> BackgroundJob:
    """Return one import of the viewer's college; raises NotFound."""
    with ctx.db.read() as session:
        job = session.get(BackgroundJob, job_id)
    if job is None or job.kind != KIND or job.institution_id != viewer.institution_id:
        raise NotFound
    return job


def count_references(ctx: Context, viewer: Viewer) -> ReferenceCounts:
    """Return what the viewer's college keeps of references."""
    is_measured = FaceReference.measured_at.is_not(None)
    with ctx.db.read() as session:
        found = session.execute(
            select(
                func.count(),
                func.count().filter(is_measured),
                func.count().filter(is_measured, FaceReference.face_sealed == b""),
            ).where(FaceReference.institution_id == viewer.institution_id)
        ).one()
    return ReferenceCounts(*found)


def remove_references(ctx: Context, viewer: Viewer) -> int:
    """Delete all references of the viewer's college, and the hints that came of them."""
    with ctx.db.write() as session:
        count = forget_references(session, FaceReference.institution_id == viewer.institution_id)
        record_audit(
            *(session, viewer, "faces.references_removed"),
            at=ctx.now(),
            subject_kind="institution",
            subject_id=viewer.institution_id,
            count=count,
        )
    return count


def read_shown_reference(ctx: Context, photo_id: uuid.UUID) -> bytes:
    """Return the reference's picture that stands beside a photo in a hint; raises NotFound.

    Without a hint there is no reason to look at it.
    """
    with ctx.db.read() as session:
        photo = session.get(Photo, photo_id)
        hint = select(FaceHint.id).where(
            FaceHint.photo_id == photo_id, FaceHint.kind == FaceHintKind.UNLIKE_REFERENCE
        )
        if photo is None or session.scalars(hint).first() is None or ctx.face_cipher is None:
            raise NotFound
        row = session.get(FaceReference, photo.enrolment_id)
        owner = session.get_one(Enrolment, photo.enrolment_id)
        if row is None or not may_compare(ctx, session, owner):
            raise NotFound
        place = place_of("picture_sealed", row.enrolment_id)
        return ctx.face_cipher.decrypt_bytes(row.picture_sealed, place=place)


def read_references(
    ctx: Context, session: Session, enrolment_ids: Sequence[uuid.UUID]
) -> list[bytes]:
    """Return the pictures that are kept of these students, for their own copy."""
    if ctx.face_cipher is None:
        return []
    rows = session.execute(
        select(FaceReference.enrolment_id, FaceReference.picture_sealed).where(
            FaceReference.enrolment_id.in_(enrolment_ids)
        )
    )
    return [
        ctx.face_cipher.decrypt_bytes(row[1], place=place_of("picture_sealed", row[0]))
        for row in rows
    ]


def remove_spent_zips(ctx: Context) -> int:
    """Remove zips whose import ended or was forgotten (a sweeper); returns how many."""
    old = ctx.now() - KEPT_FOR
    with ctx.db.read() as session:
        jobs = session.scalars(
            select(BackgroundJob).where(
                BackgroundJob.kind == KIND, BackgroundJob.file_key.is_not(None)
            )
        ).all()
    spent = [job for job in jobs if job.state not in UNFINISHED or job.created_at < old]
    for job in spent:
        if try_to_delete_chunks(ctx.photo_store, job.file_key or ""):
            _forget_file(ctx, job.id)
    return len(spent)


def _forget_file(ctx: Context, job_id: uuid.UUID) -> None:
    with ctx.db.write() as session:
        session.execute(
            update(BackgroundJob).where(BackgroundJob.id == job_id).values(file_key=None)
        )
        session.execute(
            update(BackgroundJob)
            .where(BackgroundJob.id == job_id, BackgroundJob.state == "receiving")
            .values(state="failed", finished_at=ctx.now(), error="上传没有完成，请重新上传")
        )


def place_of(column: str, enrolment_id: uuid.UUID) -> bytes:
    """Return what a field of a reference is sealed for."""
    return describe_place("face_reference", column, enrolment_id)
