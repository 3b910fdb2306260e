"""Exports as staff see them: ask for one, watch it, take it, delete it.

Each is a background job of the institution. The archive is kept for a week, sealed in pieces.
"""

from __future__ import annotations

import datetime as dt
import uuid
from dataclasses import dataclass, replace

from sqlalchemy import Select, func, select
from sqlalchemy.orm import Session

from models import BackgroundJob, Batch, Enrolment, LearningCentre, Staff
from server.context import Context
from server.errors import CaijiError, NotFound
from server.gateways.clock import to_local
from server.services.audit import record_audit
from server.services.exports.discard import KEPT, KIND, UNFINISHED, discard
from server.services.exports.left_out import (
    LeftOut,
    count_withdrawn,
    find_last_withdrawal,
    name_left_out,
    require_somebody,
)
from server.services.exports.plan import AnyUse, ExportOrder, Naming, Use, read_uses
from server.services.exports.scope import (
    ExportMalformed,
    describe_scope,
    go_on_from_last,
    list_profile_uses,
    name_receiver,
    narrow,
    require_pictures,
)
from server.services.pieces import ChunkReader, PieceUnreadable
from server.services.viewer import Viewer

LISTED = 30
FILE_NAMES = {
    Naming.STUDENT_NO: "internal-student-no",
    Naming.ID_NUMBER: "internal-id-number",
    Naming.PHOTO_NUMBER: "provider-photo-number",
    Naming.CHSI_CODE: "provider-chsi-code",
}


class ExportGone(CaijiError):
    """The archive is not there: not finished, deleted, expired, or sealed with a lost key."""

    code = "export_gone"
    status = 410
    message = "导出文件不存在、已过期或已被删除，请重新导出"


class ExportOutdated(CaijiError):
    """Somebody in the archive has taken the consent back since."""

    code = "export_outdated"
    status = 410
    message = "导出以后有学生撤回了同意，这个文件不能再下载，请重新导出"


@dataclass(frozen=True)
class ExportView:
    """One export as the page shows it."""

    id: uuid.UUID
    state: str
    batch: str
    naming: Naming
    uses: tuple[AnyUse, ...]
    centre: str
    since: dt.datetime | None
    counts: dict[str, int]
    missing: dict[str, int]
    """Students without the picture of a profile, by use."""
    done_count: int
    total_count: int
    size_bytes: int
    sha256: str
    error: str
    started_by: str
    created_at: dt.datetime
    finished_at: dt.datetime | None
    expires_at: dt.datetime | None
    is_there: bool
    withdrawn: int = 0
    """Students in it who took their consent back since; counted for one export, not in lists."""
    may_be_outdated: bool = False
    """Somebody of the institution took a consent back since: the export's page counts who."""

    @property
    def is_unfinished(self) -> bool:
        """Tell whether it waits or runs."""
        return self.state in UNFINISHED

    @property
    def percent(self) -> int:
        """Progress, 0-100."""
        return 100 * self.done_count // self.total_count if self.total_count else 0


@dataclass(frozen=True)
class ExportFile:
    """A finished archive, ready to be read from anywhere."""

    file: ChunkReader
    name: str
    size_bytes: int
    sha256: str


def list_export_batches(ctx: Context, viewer: Viewer) -> list[tuple[Batch, int]]:
    """Return the batches of the institution that hold collected photos, newest first."""
    with ctx.db.read() as session:
        counts = dict(
            session.execute(
                select(Enrolment.batch_id, func.count())
                .where(
                    Enrolment.institution_id == viewer.institution_id,
                    Enrolment.batch_id.is_not(None),
                )
                .group_by(Enrolment.batch_id)
            ).all()
        )
        batches = session.scalars(
            select(Batch)
            .where(Batch.institution_id == viewer.institution_id, Batch.id.in_(counts))
            .order_by(Batch.date.desc())
        )
        return [(batch, counts[batch.id]) for batch in batches]


def request_export(
    ctx: Context,
    viewer: Viewer,
    *,
    batch: str,
    naming: str,
    uses: list[str],
    centre: str = "",
    is_since_last: bool = False,
    receiver: str = "",
    purpose: str = "",
) -> uuid.UUID:
    """Start an export of a batch (a date) and return its job; the same one while it is under way.

    ``centre`` is the id of one learning centre; ``is_since_last`` leaves out what the last finished
    export of the same kind held.

    Raises:
        ExportMalformed, ReceiverMissing, PicturesWaiting, and what ``require_somebody`` raises.
    """
    now = ctx.now()
    with ctx.db.write() as session:
        order = _read_order(session, viewer, batch, naming, uses, now)
        order = name_receiver(narrow(session, order, centre), receiver, purpose)
        if is_since_last:
            done = session.scalars(_own_jobs(viewer).where(BackgroundJob.state == "done"))
            order = go_on_from_last(order, done)
        require_pictures(session, order)
        same = _find_same(session, viewer, order)
        if same is not None:
            return same
        require_somebody(session, order)
        job = BackgroundJob(
            institution_id=viewer.institution_id,
            kind=KIND,
            parameters={**order.to_json(), "batch": batch},
            started_by=viewer.staff_id,
            created_at=now,
        )
        session.add(job)
        session.flush()
        record_audit(
            session,
            viewer,
            "export.request",
            at=now,
            subject_kind=KIND,
            subject_id=job.id,
            批次=batch,
            命名=order.naming.label,
            用途="、".join(use.label for use in order.uses),
            **describe_scope(session, order),
        )
        return job.id


def _read_order(
    session: Session,
    viewer: Viewer,
    batch: str,
    naming: str,
    uses: list[str],
    now: dt.datetime,
) -> ExportOrder:
    try:
        date = dt.date.fromisoformat(batch)
        chosen_naming = Naming(naming)
        known: list[AnyUse] = [*Use, *list_profile_uses(session, viewer.institution_id)]
        chosen = tuple(use for use in known if use.value in uses)
        if set(uses) - {use.value for use in known}:
            raise ExportMalformed
    except ValueError as error:
        raise ExportMalformed from error
    batch_id = session.scalar(
        select(Batch.id).where(Batch.institution_id == viewer.institution_id, Batch.date == date)
    )
    if batch_id is None or not chosen:
        raise ExportMalformed
    return ExportOrder(
        institution_id=viewer.institution_id,
        batch_id=batch_id,
        naming=chosen_naming,
        uses=chosen,
        as_of=now,
    )


def _find_same(session: Session, viewer: Viewer, order: ExportOrder) -> uuid.UUID | None:
    """Return the unfinished export of the same things: a second click starts nothing."""
    wanted = order.to_json()
    for job in session.scalars(_own_jobs(viewer).where(BackgroundJob.state.in_(UNFINISHED))):
        if {name: job.parameters.get(name) for name in wanted} == wanted:
            return job.id
    return None


def list_exports(ctx: Context, viewer: Viewer) -> list[ExportView]:
    """Return the newest exports of the institution."""
    with ctx.db.read() as session:
        jobs = session.scalars(_own_jobs(viewer).limit(LISTED)).all()
        last = find_last_withdrawal(session, viewer.institution_id)
        return [
            replace(
                _describe(session, job), may_be_outdated=last is not None and last > job.created_at
            )
            for job in jobs
        ]


def list_left_out(ctx: Context, viewer: Viewer, job_id: uuid.UUID) -> list[LeftOut]:
    """Return whom an export of the viewer's institution leaves out; raises NotFound."""
    with ctx.db.read() as session:
        job = _get_job(session, viewer, job_id)
        return name_left_out(session, read_uses(job.parameters), job.result.get("left_out", {}))


def view_export(ctx: Context, viewer: Viewer, job_id: uuid.UUID) -> ExportView:
    """Return one export of the viewer's institution; raises NotFound."""
    with ctx.db.read() as session:
        return _describe_whole(session, _get_job(session, viewer, job_id))


def open_export(ctx: Context, viewer: Viewer, job_id: uuid.UUID, *, start: int) -> ExportFile:
    """Return a finished archive and note in the audit log who takes it, from which byte.

    Raises:
        NotFound, ExportGone, ExportOutdated, PhotoStoreUnavailable.
    """
    with ctx.db.read() as session:
        job = _get_job(session, viewer, job_id)
        view = _describe_whole(session, job)
    if job.state != "done" or job.file_key is None:
        raise ExportGone
    if view.withdrawn:
        raise ExportOutdated
    file = ChunkReader(ctx.photo_store, ctx.cipher, job.file_key, view.size_bytes)
    try:
        file.read(1)
        file.seek(0)
    except PieceUnreadable as error:
        raise ExportGone from error
    with ctx.db.write() as session:
        record_audit(
            session,
            viewer,
            "export.download",
            at=ctx.now(),
            subject_kind=KIND,
            subject_id=job_id,
            批次=view.batch,
            从字节=start,
        )
    name = f"photos_{view.batch}_{FILE_NAMES[view.naming]}_{to_local(view.created_at):%m%d%H%M}.zip"
    return ExportFile(file, name, view.size_bytes, view.sha256)


def delete_export(ctx: Context, viewer: Viewer, job_id: uuid.UUID) -> None:
    """Cancel an export that is under way, or delete a finished one now; raises NotFound."""
    now = ctx.now()
    with ctx.db.write() as session:
        job = _get_job(session, viewer, job_id)
        if job.state in UNFINISHED:
            job.state = "cancelled"
            job.finished_at = now
        elif job.file_key is None:
            return
        record_audit(session, viewer, "export.delete", at=now, subject_kind=KIND, subject_id=job_id)
    # A running one removes its own pieces when it sees that it was cancelled.
    discard(ctx, job, "deleted by staff")


def _own_jobs(viewer: Viewer) -> Select[BackgroundJob]:
    return (
        select(BackgroundJob)
        .where(BackgroundJob.institution_id == viewer.institution_id, BackgroundJob.kind == KIND)
        .order_by(BackgroundJob.created_at.desc(), BackgroundJob.id.desc())
    )


def _get_job(session: Session, viewer: Viewer, job_id: uuid.UUID) -> BackgroundJob:
    job = session.scalars(_own_jobs(viewer).where(BackgroundJob.id == job_id)).one_or_none()
    if job is None:
        raise NotFound
    return job


def _describe_whole(session: Session, job: BackgroundJob) -> ExportView:
    view = _describe(session, job)
    if not view.is_there:
        return view
    order = ExportOrder.from_json(
        job.parameters, institution_id=job.institution_id, as_of=job.created_at
    )
    return replace(view, withdrawn=count_withdrawn(session, order))


def _describe(session: Session, job: BackgroundJob) -> ExportView:
    staff = session.get(Staff, job.started_by)
    is_there = job.state == "done" and job.file_key is not None
    centre_id, since = job.parameters.get("centre_id"), job.parameters.get("since")
    centre = session.get(LearningCentre, uuid.UUID(centre_id)) if centre_id else None
    return ExportView(
        id=job.id,
        state=job.state,
        batch=job.parameters["batch"],
        naming=Naming(job.parameters["naming"]),
        uses=read_uses(job.parameters),
        centre=centre.name if centre else "",
        since=dt.datetime.fromisoformat(since) if since else None,
        counts=job.result.get("counts", {}),
        missing=job.result.get("missing", {}),
        done_count=job.done_count,
        total_count=job.total_count,
        size_bytes=int(job.result.get("size_bytes", 0)),
        sha256=job.result.get("sha256", ""),
        error=job.error,
        started_by=staff.shown_name if staff else "",
        created_at=job.created_at,
        finished_at=job.finished_at,
        expires_at=job.finished_at + KEPT if is_there and job.finished_at else None,
        is_there=is_there,
    )
