"""A photographer's files: camera names, a shot list, and a page that shows who got which.

Nothing is written to any student before somebody has seen the plan and confirmed it. Until then
the files lie encrypted under their job, a day at most. Consent is never assumed: who has not
agreed stays out, and the row says so.
"""

from __future__ import annotations

import datetime as dt
import uuid
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import IO, Any

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from imagecheck.refusals import name_fault
from models import BackgroundJob, Enrolment, Role, describe_place
from server.context import Context
from server.errors import CaijiError, NotFound
from server.services.audit import record_audit
from server.services.bounded_zip import open_zip
from server.services.onsite.shot_list import MAX_LIST_BYTES, read_shot_list
from server.services.onsite.take import is_agreed_on_site
from server.services.student.eligible import require_eligible
from server.services.viewer import Viewer, list_scope
from server.sizes import MAX_PHOTO_BYTES

KIND = "camera_folder"
CONFIRMED = ("queued", "running", "done")
MAX_FILES = 300
MOST_ENTRIES = 2 * MAX_FILES
"""Of one zip: photos, the list, folders, and what macOS puts beside each file."""
MOST_UNPACKED_BYTES = MAX_FILES * MAX_PHOTO_BYTES
KEPT_FOR = dt.timedelta(days=1)


class FolderUnreadable(CaijiError):
    """No zip, no shot list, or too much of something."""

    code = "folder_unreadable"
    status = 422
    message = "请上传一个 zip，或照片和一份清单（csv，两列：file,学号）"


class FolderNotReady(CaijiError):
    """It was confirmed or thrown away before, or has nothing that could be written."""

    code = "folder_not_ready"
    status = 409
    message = "这批照片已经写入或已放弃，或没有可以写入的照片"


@dataclass(frozen=True)
class SentFile:
    """One uploaded file: its name, and how to read it once."""

    name: str
    stream: IO[bytes]


def receive_folder(ctx: Context, viewer: Viewer, sent: Iterable[SentFile]) -> uuid.UUID:
    """Keep the files, plan who gets which, and return the job that shows it.

    Raises:
        FolderUnreadable, PhotoStoreUnavailable.
    """
    job_id = _open_job(ctx, viewer)
    try:
        shots, sizes, faults = _keep_files(ctx, job_id, sent)
        with ctx.db.read() as session:
            rows = _plan(session, viewer, shots, sizes, faults)
    except CaijiError:
        remove_files(ctx, job_id)
        _change(ctx, job_id, state="failed", finished_at=ctx.now())
        raise
    _change(
        ctx, job_id, state="planned", parameters={"rows": rows, "files": sizes}, file_key="kept"
    )
    return job_id


def _open_job(ctx: Context, viewer: Viewer) -> uuid.UUID:
    """The row comes first: files that a killed process leaves behind are found by it."""
    with ctx.db.write() as session:
        job = BackgroundJob(
            institution_id=viewer.institution_id,
            kind=KIND,
            state="receiving",
            file_key="kept",
            started_by=viewer.staff_id,
            created_at=ctx.now(),
        )
        session.add(job)
        session.flush()
        record_audit(
            session,
            viewer,
            "onsite.folder",
            at=ctx.now(),
            subject_kind="background_job",
            subject_id=job.id,
        )
        return job.id


def _keep_files(
    ctx: Context, job_id: uuid.UUID, sent: Iterable[SentFile]
) -> tuple[list[tuple[str, str]], dict[str, int], dict[str, str]]:
    """Store every photo, read the list; returns shots, the place of each file, and faults."""
    places: dict[str, int] = {}
    faults: dict[str, str] = {}
    shot_list: bytes | None = None
    for name, read, size in _unpack(sent):
        if name.lower().endswith((".csv", ".txt")):
            if shot_list is not None:
                raise FolderUnreadable("清单只能有一份 csv")
            shot_list = read(MAX_LIST_BYTES + 1)
            continue
        if name.lower().endswith((".xlsx", ".xls", ".numbers")):
            raise FolderUnreadable("清单是表格文件：请另存为 csv（两列：file,学号）再上传")
        if name in places:
            faults[name] = "有两个同名的文件"
            continue
        if len(places) >= MAX_FILES:
            raise FolderUnreadable(f"一次最多 {MAX_FILES} 张照片，请分几次上传")
        places[name] = len(places)
        data = b"" if size > MAX_PHOTO_BYTES else read(MAX_PHOTO_BYTES + 1)
        if size > MAX_PHOTO_BYTES or len(data) > MAX_PHOTO_BYTES:
            faults[name] = "文件超过 10 MB"
        elif not data or name_fault(data):
            faults[name] = "不是照片"
        else:
            _write_shot(ctx, job_id, places[name], data)
    if shot_list is None:
        raise FolderUnreadable("没有清单：请加上一份 csv，两列：file,学号")
    return read_shot_list(shot_list), places, faults


def _unpack(sent: Iterable[SentFile]) -> Iterator[tuple[str, Any, int]]:
    """Yield (name, read, size) of each file, those inside a zip too."""
    for file in sent:
        if not file.name.lower().endswith(".zip"):
            yield PurePosixPath(file.name).name, file.stream.read, 0
            continue
        limits = {"most_files": MOST_ENTRIES, "most_bytes": MOST_UNPACKED_BYTES}
        for entry in open_zip(file.stream, **limits):
            yield entry.name, entry.read, entry.size


def _plan(
    session: Session,
    viewer: Viewer,
    shots: list[tuple[str, str]],
    places: dict[str, int],
    faults: dict[str, str],
) -> list[dict[str, Any]]:
    """Return one row a line of the list, and one a file that no line names."""
    numbers = {number for _, number in shots}
    known = {
        row.student_no: row
        for row in session.scalars(
            select(Enrolment).where(*list_scope(viewer), Enrolment.student_no.in_(numbers))
        )
    }
    rows: list[dict[str, Any]] = []
    by_lower = _index_names(places)
    names = [
        by_lower.get(PurePosixPath(file.replace("\\", "/")).name.lower()) or "" for file, _ in shots
    ]
    lines = list(zip(names, [number for _, number in shots], strict=True))
    open_faults = _find_open_questions(lines, {*places} - {*faults})
    for line, ((file, _), (name, number)) in enumerate(zip(shots, lines, strict=True), start=1):
        fault = _judge(session, name, number, known, faults) or open_faults.get((name, number), "")
        if not fault and (name, number) in lines[: line - 1]:
            fault = "清单里已有这一行"
        student = known.get(number)
        rows.append(
            {
                "line": line,
                "file": name or file[:100],
                "student_no": number[:32],
                "place": places.get(name),
                "enrolment_id": str(student.id) if student else None,
                "fault": fault,
            }
        )
    rows += [
        {"line": None, "file": name, "student_no": "", "place": place, "enrolment_id": None,
         "fault": faults.get(name, "清单里没有这张照片")}
        for name, place in places.items()
        if name not in names
    ]  # fmt: skip
    return rows


def _find_open_questions(
    lines: list[tuple[str, str]], photos: set[str]
) -> dict[tuple[str, str], str]:
    """Return the pairs of which nobody can say who is who: none of them is written."""
    pairs = {(name, number) for name, number in lines if name in photos}
    owners, shots = Counter(name for name, _ in pairs), Counter(number for _, number in pairs)
    found = {
        pair: "同一个学号在清单里有几张照片，请只留一张" for pair in pairs if shots[pair[1]] > 1
    }
    return found | {pair: "同一张照片在清单里给了几个学生" for pair in pairs if owners[pair[0]] > 1}


def _index_names(places: dict[str, int]) -> dict[str, str | None]:
    """Return each file by its name, and by its name without the ending where one has it alone."""
    stems = [PurePosixPath(name).stem.lower() for name in places]
    found: dict[str, str | None] = {
        stem: name for name, stem in zip(places, stems, strict=True) if stems.count(stem) == 1
    }
    return found | {name.lower(): name for name in places}


def _judge(
    session: Session,
    name: str,
    number: str,
    known: dict[str, Enrolment],
    faults: dict[str, str],
) -> str:
    """Return what is wrong with one line; empty where nothing is."""
    student = known.get(number)
    fault = ""
    if not name:
        fault = "没有上传这个文件"
    elif name in faults:
        fault = faults[name]
    elif student is None:
        fault = "没有这个学号，或不属于你的学习中心"
    elif student.feature_code_id is None:
        fault = "学生还没有特征码：请先在现场采集页登记"
    elif not is_agreed_on_site(session, student):
        fault = "学生还没有同意：请先在现场采集页登记"
    elif student.photo is not None and student.photo.opened_at is not None:
        fault = "照片正在审核，不能更换"
    else:
        try:
            require_eligible(student)
        except CaijiError as error:
            fault = error.shown_message
    return fault


def list_folders(ctx: Context, viewer: Viewer) -> list[BackgroundJob]:
    """Return the viewer's own latest folders, newest first."""
    with ctx.db.read() as session:
        return list(
            session.scalars(
                select(BackgroundJob)
                .where(
                    BackgroundJob.institution_id == viewer.institution_id,
                    BackgroundJob.started_by == viewer.staff_id,
                    BackgroundJob.kind == KIND,
                )
                .order_by(BackgroundJob.created_at.desc())
                .limit(10)
            )
        )


def find_folder(ctx: Context, viewer: Viewer, job_id: uuid.UUID) -> BackgroundJob:
    """Return the viewer's own folder; raises NotFound."""
    with ctx.db.read() as session:
        return _get_own(session, viewer, job_id)


def name_students(ctx: Context, viewer: Viewer, job: BackgroundJob) -> dict[str, Enrolment]:
    """Return the students of a folder's rows by their id, as far as the viewer sees them."""
    ids = [uuid.UUID(row["enrolment_id"]) for row in rows_of(job) if row["enrolment_id"]]
    with ctx.db.read() as session:
        found = session.scalars(select(Enrolment).where(*list_scope(viewer), Enrolment.id.in_(ids)))
        return {str(row.id): row for row in found}


def confirm_folder(ctx: Context, viewer: Viewer, job_id: uuid.UUID) -> None:
    """Let the worker write every row without a fault. A second click changes nothing.

    Raises:
        NotFound, FolderNotReady.
    """
    with ctx.db.write() as session:
        job = _get_own(session, viewer, job_id)
        if job.state in CONFIRMED:
            return
        good = [row for row in rows_of(job) if not row["fault"]]
        if job.state != "planned" or not good:
            raise FolderNotReady
        job.state, job.total_count = "queued", len(good)
        record_audit(
            session,
            viewer,
            "onsite.folder_confirm",
            at=ctx.now(),
            subject_kind="background_job",
            subject_id=job.id,
            students=len(good),
        )


def discard_folder(ctx: Context, viewer: Viewer, job_id: uuid.UUID) -> None:
    """Throw the files away; nothing was written. Raises NotFound, FolderNotReady."""
    with ctx.db.write() as session:
        job = _get_own(session, viewer, job_id)
        if job.state in CONFIRMED:
            raise FolderNotReady
        job.state, job.finished_at = "cancelled", ctx.now()
        record_audit(
            session,
            viewer,
            "onsite.folder_discard",
            at=ctx.now(),
            subject_kind="background_job",
            subject_id=job.id,
        )
    remove_files(ctx, job_id)


def remove_spent_folders(ctx: Context) -> int:
    """Remove files of folders that ended or were forgotten for a day; returns how many."""
    old = ctx.now() - KEPT_FOR
    with ctx.db.read() as session:
        jobs = session.scalars(
            select(BackgroundJob).where(
                BackgroundJob.kind == KIND, BackgroundJob.file_key.is_not(None)
            )
        ).all()
    spent = [
        job for job in jobs if job.state in {"done", "failed", "cancelled"} or job.created_at < old
    ]
    for job in spent:
        if job.state in {"receiving", "planned"}:
            _change(ctx, job.id, state="cancelled", finished_at=ctx.now())
        remove_files(ctx, job.id)
    return len(spent)


def rows_of(job: BackgroundJob) -> list[dict[str, Any]]:
    """Return the plan of a folder."""
    rows: list[dict[str, Any]] = (job.parameters or {}).get("rows", [])
    return rows


def _write_shot(ctx: Context, job_id: uuid.UUID, place: int, data: bytes) -> None:
    """Keep one file under the job, encrypted for it alone."""
    ctx.photo_store.put(
        _name_shot(job_id, place), ctx.cipher.encrypt(data, place=_place(job_id, place))
    )


def read_shot(ctx: Context, job_id: uuid.UUID, place: int) -> bytes:
    """Return one file of a folder; raises PhotoMissing."""
    stored = ctx.photo_store.get(_name_shot(job_id, place))
    return ctx.cipher.decrypt_bytes(stored, place=_place(job_id, place))


def remove_files(ctx: Context, job_id: uuid.UUID) -> None:
    """Remove every file that lies under the job, and the note that there are some."""
    for place in range(MAX_FILES):
        # Not one after the other: what was no photo left a gap.
        ctx.photo_store.delete(_name_shot(job_id, place))
    _change(ctx, job_id, file_key=None)


def _name_shot(job_id: uuid.UUID, place: int) -> str:
    return f"onsite/{job_id}/{place}"


def _place(job_id: uuid.UUID, place: int) -> bytes:
    return describe_place("background_job", f"shot-{place}", job_id)


def _get_own(session: Session, viewer: Viewer, job_id: uuid.UUID) -> BackgroundJob:
    job = session.get(BackgroundJob, job_id, with_for_update=True)
    is_own = job is not None and job.institution_id == viewer.institution_id
    if job is None or not is_own or job.kind != KIND:
        raise NotFound
    if job.started_by != viewer.staff_id or viewer.role not in {Role.ADMIN, Role.CENTRE}:
        raise NotFound
    return job


def _change(ctx: Context, job_id: uuid.UUID, **values: Any) -> None:
    with ctx.db.write() as session:
        session.execute(update(BackgroundJob).where(BackgroundJob.id == job_id).values(**values))
