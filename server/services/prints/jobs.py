"""A batch on paper as a background job: asked for, drawn in files of 200, fetched, gone in a day.

Whom it prints is fixed when it is asked for. A killed worker's job goes on with the first file
that is not there yet; the same file twice is the same file.
"""

from __future__ import annotations

import contextlib
import datetime as dt
import time
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Select, select, update
from sqlalchemy.orm import Session

from models import BackgroundJob, Institution, describe_place
from server.context import Context
from server.errors import CaijiError, NotFound
from server.gateways.photo_store import PhotoMissing
from server.services.audit import record_audit
from server.services.jobs import JobTaken, report_progress
from server.services.prints.contact import Heading, count_pages, draw_contact_sheet
from server.services.prints.order import (
    PrintOrder,
    choose_students,
    find_profile,
    refuse_malformed,
    require_centre,
)
from server.services.prints.paper import PAPERS
from server.services.prints.photos import Between, Printed, draw_photos, plan_layout
from server.services.viewer import Viewer

KIND = "print"
PART = 200
"""Students of one file: about 8 MB, and a few seconds of work."""
KEPT_FOR = dt.timedelta(days=1)
UNFINISHED = ("queued", "running")
LISTED = 10
MAX_ATTEMPTS = 3
PROGRESS_EVERY_S = 2.0


class PrintGone(CaijiError):
    """The file is not there: not finished, deleted, or a day old."""

    code = "print_gone"
    status = 410
    message = "打印文件不存在或已删除，请重新生成"


class PrintKeepsDying(CaijiError):
    """The process was killed at every attempt."""

    code = "print_keeps_dying"
    status = 500
    message = "生成多次被中断，已停止重试，请联系系统管理员"


@dataclass(frozen=True)
class PrintView:
    """One job as the page shows it."""

    job: BackgroundJob
    what: str
    title: str
    parts: list[dict[str, int]]
    """``students``, ``pages`` and ``bytes`` of each finished file."""

    @property
    def is_unfinished(self) -> bool:
        """Tell whether it waits or runs."""
        return self.job.state in UNFINISHED

    @property
    def is_there(self) -> bool:
        """Tell whether its files can be fetched."""
        return self.job.state == "done" and self.job.file_key is not None

    @property
    def expires_at(self) -> dt.datetime:
        """When its files go."""
        return self.job.created_at + KEPT_FOR


def request_print(
    ctx: Context, viewer: Viewer, order: PrintOrder, *, part_size: int = PART
) -> uuid.UUID:
    """Start a job and return it; the same one while it is under way. Owns its transaction.

    Raises:
        NotFound, PrintMalformed, PhotoLargerThanPaper, PrintEmpty, ListedWithoutPhoto,
        PrintTooLarge.
    """
    refuse_malformed(order)
    with ctx.db.write() as session:
        profile = find_profile(session, viewer.institution_id, order.profile)
        if order.what == "photos":
            plan_layout(order, profile)
        students = choose_students(session, viewer, order)
        names = [order.class_name] if order.class_name else []
        if order.centre_id is not None:
            names.insert(0, require_centre(session, viewer, order.centre_id).name)
        wanted = {
            "order": order.to_json(),
            "students": [str(each) for each in students],
            "title": " ".join(names),
            "part_size": part_size,
        }
        for job in session.scalars(_select_own(viewer).where(BackgroundJob.state.in_(UNFINISHED))):
            if job.parameters == wanted:
                return job.id
        job = BackgroundJob(
            institution_id=viewer.institution_id,
            kind=KIND,
            parameters=wanted,
            total_count=len(students),
            started_by=viewer.staff_id,
            created_at=ctx.now(),
        )
        session.add(job)
        session.flush()
        record_audit(
            *(session, viewer, "print.contact" if order.what == "contact" else "print.sheet"),
            at=ctx.now(),
            subject_kind="background_job",
            subject_id=job.id,
            规格=profile.title,
            纸张=PAPERS[order.paper].label,
            班级=order.class_name,
            人数=len(students),
        )
        return job.id


def list_prints(ctx: Context, viewer: Viewer) -> list[PrintView]:
    """Return the viewer's own latest jobs, newest first."""
    query = _select_own(viewer).order_by(BackgroundJob.created_at.desc()).limit(LISTED)
    with ctx.db.read() as session:
        return [_view(job) for job in session.scalars(query)]


def view_print(ctx: Context, viewer: Viewer, job_id: uuid.UUID) -> PrintView:
    """Return one of the viewer's own jobs; raises NotFound."""
    with ctx.db.read() as session:
        return _view(_get_own(session, viewer, job_id))


def open_print(ctx: Context, viewer: Viewer, job_id: uuid.UUID, part: int) -> bytes:
    """Return one finished file and note in the audit log who takes it; parts count from 1.

    Raises:
        NotFound, PrintGone, PhotoStoreUnavailable.
    """
    view = view_print(ctx, viewer, job_id)
    if not view.is_there or not 1 <= part <= len(view.parts):
        raise PrintGone
    try:
        sealed = ctx.photo_store.get(_name(job_id, part))
    except PhotoMissing as error:
        raise PrintGone from error
    with ctx.db.write() as session:
        record_audit(
            *(session, viewer, "print.download"),
            at=ctx.now(),
            subject_kind="background_job",
            subject_id=job_id,
            part=part,
        )
    return ctx.cipher.decrypt_bytes(sealed, place=_place(job_id, part))


def delete_print(ctx: Context, viewer: Viewer, job_id: uuid.UUID) -> None:
    """Cancel a job that is under way, or delete its files now; raises NotFound."""
    with ctx.db.write() as session:
        job = _get_own(session, viewer, job_id)
        if job.state in UNFINISHED:
            job.state, job.finished_at = "cancelled", ctx.now()
        record_audit(
            *(session, viewer, "print.delete"),
            at=ctx.now(),
            subject_kind="background_job",
            subject_id=job_id,
        )
    _remove_files(ctx, job)


def remove_spent_prints(ctx: Context) -> int:
    """Remove files that are a day old or whose job failed (a sweeper); returns how many jobs."""
    old = ctx.now() - KEPT_FOR
    with ctx.db.read() as session:
        jobs = session.scalars(
            select(BackgroundJob).where(
                BackgroundJob.kind == KIND, BackgroundJob.file_key.is_not(None)
            )
        ).all()
    spent = [
        job
        for job in jobs
        if job.state in {"failed", "cancelled"} or (job.state == "done" and job.created_at < old)
    ]
    for job in spent:
        _remove_files(ctx, job)
    return len(spent)


def discard_prints(ctx: Context, enrolment_id: uuid.UUID) -> int:
    """Cancel or delete the prints that show a person who has to be on none; returns how many."""
    with ctx.db.write() as session:
        jobs = session.scalars(
            select(BackgroundJob).where(
                BackgroundJob.kind == KIND, BackgroundJob.file_key.is_not(None)
            )
        ).all()
        shown = [job for job in jobs if str(enrolment_id) in job.parameters.get("students", ())]
        for job in shown:
            if job.state in UNFINISHED:
                job.state, job.finished_at = "cancelled", ctx.now()
    for job in shown:
        _remove_files(ctx, job)
    return len(shown)


def run_print(ctx: Context, job_id: uuid.UUID) -> None:
    """Draw what is not drawn yet (a handler of run_jobs); owns its transactions.

    Raises:
        JobTaken, PrintKeepsDying, PrintIncomplete, PhotoStoreUnavailable.
    """
    job = _begin(ctx, job_id)
    order = PrintOrder.from_json(job.parameters["order"])
    students = [uuid.UUID(each) for each in job.parameters["students"]]
    parts: list[dict[str, int]] = list(job.result.get("parts", []))
    size = int(job.parameters["part_size"])
    for number in range(len(parts) + 1, _count_parts(job) + 1):
        start = (number - 1) * size
        chosen = students[start : start + size]
        between = _Progress(ctx, job_id, start, len(students))
        printed = _draw(ctx, job, order, chosen, start, between)
        sealed = ctx.cipher.encrypt(printed.pdf, place=_place(job_id, number))
        ctx.photo_store.put(_name(job_id, number), sealed)
        parts.append(
            {"students": printed.students, "pages": printed.pages, "bytes": len(printed.pdf)}
        )
        _note_part(ctx, job_id, parts, start + len(chosen))


def _begin(ctx: Context, job_id: uuid.UUID) -> BackgroundJob:
    with ctx.db.write() as session:
        job = session.get_one(BackgroundJob, job_id, with_for_update=True)
        if job.state != "running":
            raise JobTaken
        tries = int(job.result.get("attempts", 0)) + 1
        job.file_key = "kept"
        job.result = {**job.result, "attempts": tries}
    if tries > MAX_ATTEMPTS:
        raise PrintKeepsDying
    return job


def _draw(
    ctx: Context,
    job: BackgroundJob,
    order: PrintOrder,
    chosen: Sequence[uuid.UUID],
    start: int,
    between: Between,
) -> Printed:
    if order.what == "photos":
        return draw_photos(ctx, job.institution_id, order, chosen, between)
    with ctx.db.read() as session:
        college = session.get_one(Institution, job.institution_id).name
    heading = Heading(
        " ".join(filter(None, (college, job.parameters["title"]))),
        count_pages(start) + 1,
        count_pages(len(job.parameters["students"])),
    )
    return draw_contact_sheet(ctx, job.institution_id, order, chosen, heading, between)


class _Progress:
    """Called after each photo; writes now and then, and keeps the job from being taken for lost."""

    def __init__(self, ctx: Context, job_id: uuid.UUID, done: int, total: int) -> None:
        self._ctx, self._job_id, self._done, self._total = ctx, job_id, done, total
        self._noted_at = time.monotonic()

    def __call__(self) -> None:
        self._done += 1
        if time.monotonic() - self._noted_at > PROGRESS_EVERY_S:
            self._noted_at = time.monotonic()
            report_progress(self._ctx, self._job_id, self._done, self._total)


def _note_part(
    ctx: Context, job_id: uuid.UUID, parts: list[dict[str, int]], done_count: int
) -> None:
    """Write a finished file down; raises JobTaken when the job was cancelled meanwhile."""
    with ctx.db.write() as session:
        job = session.get_one(BackgroundJob, job_id, with_for_update=True)
        is_mine = job.state == "running"
        if is_mine:
            # The tries are those of one file: a long job may lose its process more often.
            job.result = {"parts": list(parts)}
            job.done_count, job.progressed_at = done_count, ctx.now()
    if not is_mine:
        ctx.photo_store.delete(_name(job_id, len(parts)))
        raise JobTaken


def _remove_files(ctx: Context, job: BackgroundJob) -> None:
    for number in range(1, _count_parts(job) + 1):
        with contextlib.suppress(PhotoMissing):
            ctx.photo_store.delete(_name(job.id, number))
    with ctx.db.write() as session:
        session.execute(
            update(BackgroundJob).where(BackgroundJob.id == job.id).values(file_key=None)
        )


def _count_parts(job: BackgroundJob) -> int:
    students = job.parameters.get("students", ())
    return -(-len(students) // int(job.parameters.get("part_size", PART)))


def _select_own(viewer: Viewer) -> Select[BackgroundJob]:
    return select(BackgroundJob).where(
        BackgroundJob.institution_id == viewer.institution_id,
        BackgroundJob.started_by == viewer.staff_id,
        BackgroundJob.kind == KIND,
    )


def _get_own(session: Session, viewer: Viewer, job_id: uuid.UUID) -> BackgroundJob:
    job = session.scalars(_select_own(viewer).where(BackgroundJob.id == job_id)).one_or_none()
    if job is None:
        raise NotFound
    return job


def _view(job: BackgroundJob) -> PrintView:
    order: dict[str, Any] = job.parameters.get("order", {})
    return PrintView(
        job=job,
        what=order.get("what", "photos"),
        title=job.parameters.get("title", ""),
        parts=job.result.get("parts", []),
    )


def _name(job_id: uuid.UUID, part: int) -> str:
    return f"prints/{job_id}/{part}"


def _place(job_id: uuid.UUID, part: int) -> bytes:
    return describe_place("background_job", f"print-{part}", job_id)
