"""An export's life: killed, cancelled, expired, taken twice; and its memory."""

from __future__ import annotations

import io
import json
import subprocess
import sys
import tracemalloc
import uuid
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
from sqlalchemy import select

from models import AuditEntry, BackgroundJob, Batch, DeletionRecord, FieldCipher
from server.context import Context
from server.demo import INSTITUTION
from server.services.exports.discard import delete_expired_exports
from server.services.exports.left_out import ExportEmpty
from server.services.exports.manage import (
    KEPT,
    ExportGone,
    ExportMalformed,
    delete_export,
    open_export,
    request_export,
    view_export,
)
from server.services.jobs import STALE_AFTER, run_next_job
from server.services.pieces import (
    CHUNK_BYTES,
    ChunkReader,
    ChunkWriter,
    PieceUnreadable,
    chunk_key,
)
from server.services.viewer import Viewer
from tests.college import Collected, collect, make_students

ROOT = Path(__file__).parents[2]
Ask = Callable[..., uuid.UUID]
WORKER = """
import json, sys
from server.duties import register_jobs
from server.services.jobs import run_next_job
from server.settings import Settings
from server.wiring import build_context
register_jobs()
run_next_job(build_context(Settings(**json.load(sys.stdin))))
"""


def list_pieces(ctx: Context) -> list[str]:
    return [key for key in ctx.photo_store.list_keys() if key.startswith("exports/")]


def run_in_process_that_dies(ctx: Context) -> int:
    done = subprocess.run(
        [sys.executable, "-c", WORKER],
        input=ctx.settings.model_dump_json(),
        text=True,
        cwd=ROOT,
        env={"CAIJI_FAILPOINTS": "export_before_finish", "PATH": "/usr/bin:/bin"},
        capture_output=True,
        timeout=60,
        check=False,
    )
    return done.returncode


def read_all(ctx: Context, viewer: Viewer, job_id: uuid.UUID) -> zipfile.ZipFile:
    file = open_export(ctx, viewer, job_id, start=0).file
    whole = zipfile.ZipFile(io.BytesIO(b"".join(iter(lambda: file.read(1 << 20), b""))))
    assert whole.testzip() is None
    return whole


@pytest.fixture
def big(demo: Context) -> Batch:
    students = make_students(5)
    for student in students:
        student.photo = b"\xff\xd8\xff" + student.student_no.encode() * 250_000
    return collect(demo, INSTITUTION, students)


@pytest.mark.engines
def test_killed_worker_leaves_no_half_file_and_the_next_one_finishes(
    demo: Context, admin: Viewer, big: Batch
) -> None:
    job_id = request_export(
        demo, admin, batch=big.label, naming="student_no", uses=["registration"]
    )
    assert run_in_process_that_dies(demo) == -9
    left = list_pieces(demo)
    assert len(left) >= 2
    with pytest.raises(ExportGone):
        open_export(demo, admin, job_id, start=0)
    demo.clock.at = demo.clock.at.now(demo.clock.at.tzinfo)  # type: ignore[attr-defined]
    demo.clock.advance(seconds=STALE_AFTER.total_seconds() + 5)  # type: ignore[attr-defined]
    assert run_next_job(demo)
    assert view_export(demo, admin, job_id).state == "done"
    assert set(left) & set(list_pieces(demo)) == set()
    assert len(read_all(demo, admin, job_id).namelist()) == 5 + 3


def test_export_that_kills_every_worker_is_given_up(
    demo: Context, admin: Viewer, big: Batch
) -> None:
    job_id = request_export(
        demo, admin, batch=big.label, naming="student_no", uses=["registration"]
    )
    with demo.db.write() as session:
        session.get_one(BackgroundJob, job_id).result = {"attempts": 3}
    run_next_job(demo)
    view = view_export(demo, admin, job_id)
    assert (view.state, view.is_there) == ("failed", False)
    assert "多次被中断" in view.error
    delete_expired_exports(demo)
    assert list_pieces(demo) == []


def test_pieces_say_nothing_without_the_key_and_cannot_be_exchanged(
    demo: Context, admin: Viewer, big: Batch
) -> None:
    job_id = request_export(demo, admin, batch=big.label, naming="id_number", uses=["registration"])
    run_next_job(demo)
    with demo.db.read() as session:
        attempt = session.get_one(BackgroundJob, job_id).file_key or ""
    sealed = [demo.photo_store.get(key) for key in list_pieces(demo)]
    assert all(b"310101" not in piece and b"PK\x03\x04" not in piece[:64] for piece in sealed)
    size = view_export(demo, admin, job_id).size_bytes
    stranger = FieldCipher({"k1": b"x" * 32}, b"i" * 32)
    with pytest.raises(PieceUnreadable):
        ChunkReader(demo.photo_store, stranger, attempt, size).read(10)
    demo.photo_store.delete(chunk_key(attempt, 1))
    demo.photo_store.put(chunk_key(attempt, 1), sealed[0])
    reader = ChunkReader(demo.photo_store, demo.cipher, attempt, size)
    assert reader.read(10)
    reader.seek(CHUNK_BYTES)
    with pytest.raises(PieceUnreadable):
        reader.read(10)


def test_cancelled_while_it_runs_leaves_nothing(demo: Context, admin: Viewer, big: Batch) -> None:
    job_id = request_export(
        demo, admin, batch=big.label, naming="student_no", uses=["registration"]
    )
    delete_export(demo, admin, job_id)
    assert not run_next_job(demo)
    with demo.db.write() as session:
        session.get_one(BackgroundJob, job_id).state = "running"
    from server.services.exports.run import Attempt
    from server.services.jobs import JobTaken

    attempt = Attempt(demo, job_id, uuid.uuid4().hex)
    attempt.begin()
    out = ChunkWriter(demo, attempt.name)
    out.write(b"x" * CHUNK_BYTES)
    out.settle()
    assert len(list_pieces(demo)) == 1
    delete_export(demo, admin, job_id)
    with pytest.raises(JobTaken):
        attempt.note_progress(1)
    assert list_pieces(demo) == []


def test_expired_export_is_deleted_and_recorded(demo: Context, admin: Viewer, ask: Ask) -> None:
    job_id = ask()
    run_next_job(demo)
    assert delete_expired_exports(demo) == 0
    assert view_export(demo, admin, job_id).is_there
    demo.clock.advance(seconds=KEPT.total_seconds() + 1)  # type: ignore[attr-defined]
    assert delete_expired_exports(demo) == 1
    assert list_pieces(demo) == []
    with pytest.raises(ExportGone):
        open_export(demo, admin, job_id, start=0)
    with demo.db.read() as session:
        record = session.scalars(select(DeletionRecord)).one()
    assert (record.subject_kind, record.subject_id) == ("export", str(job_id))


def test_second_click_starts_nothing_and_taking_it_is_in_the_audit_log(
    demo: Context, admin: Viewer, ask: Ask
) -> None:
    first = ask()
    assert ask() == first
    assert ask("id_number") != first
    while run_next_job(demo):
        pass
    assert ask() != first
    open_export(demo, admin, first, start=7)
    with demo.db.read() as session:
        entries = session.scalars(
            select(AuditEntry).where(AuditEntry.subject_kind == "export").order_by(AuditEntry.id)
        ).all()
    actions = [entry.action for entry in entries]
    assert actions == ["export.request"] * 3 + ["export.download"]
    assert entries[-1].detail["从字节"] == 7
    assert json.dumps(entries[0].detail, ensure_ascii=False).count("学号") == 1


@pytest.mark.parametrize(
    ("naming", "uses", "batch_name"),
    [
        ("name", ["registration"], ""),
        ("student_no", [], ""),
        ("student_no", ["party"], ""),
        ("student_no", ["registration"], "1999-01-01"),
        ("student_no", ["registration"], "not a date"),
    ],
)
def test_order_that_makes_no_sense_is_refused(
    demo: Context, admin: Viewer, batch: Batch, naming: str, uses: list[str], batch_name: str
) -> None:
    with pytest.raises(ExportMalformed):
        request_export(demo, admin, batch=batch_name or batch.label, naming=naming, uses=uses)


def test_empty_batch_and_a_use_without_students_are_refused(demo: Context, admin: Viewer) -> None:
    batch = collect(demo, INSTITUTION, [Collected("1", level="高起专")])
    with pytest.raises(ExportEmpty):
        request_export(demo, admin, batch=batch.label, naming="student_no", uses=["degree"])


@pytest.mark.long
@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_two_thousand_photos_take_little_memory(demo: Context, admin: Viewer) -> None:
    students = make_students(2000)
    for place, student in enumerate(students):
        # Few distinct ones: making them is not what is measured.
        student.photo = b"\xff\xd8\xff" + str(10_000_000 + place % 20).encode() * 4000
    batch = collect(demo, INSTITUTION, students)
    total = sum(len(student.photo) for student in students)
    students.clear()
    job_id = request_export(
        demo, admin, batch=batch.label, naming="student_no", uses=["registration"]
    )
    tracemalloc.start()
    run_next_job(demo)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    view = view_export(demo, admin, job_id)
    assert view.counts == {"registration": 2000}
    assert view.size_bytes > total > 64_000_000
    assert peak < total / 2, peak
