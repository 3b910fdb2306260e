"""Who has not agreed to a receiver is left out of its export, and named on the export's page."""

from __future__ import annotations

import io
import uuid
import zipfile
from collections.abc import Callable

import pytest
from flask import Flask
from sqlalchemy import select

from models import BackgroundJob, Batch, Enrolment
from server.context import Context
from server.services.consent.decide import Decider, record_consent
from server.services.consent.parts import PHOTO
from server.services.exports.archive import ArchiveWriter, ExportOvertaken
from server.services.exports.left_out import NobodyAgreed
from server.services.exports.manage import ExportOutdated, open_export
from server.services.exports.plan import ExportOrder, Naming, Use
from server.services.jobs import run_next_job
from server.services.pieces import ChunkWriter
from server.services.viewer import Viewer
from tests.college import Collected
from tests.desk import sign_in

Ask = Callable[..., uuid.UUID]


def decide(ctx: Context, student: Collected, kind: str, *, is_given: bool) -> None:
    with ctx.db.write() as session:
        row = session.get_one(Enrolment, student.id)
        decider = Decider("student")
        at = ctx.now()
        assert record_consent(session, row, kind, is_given=is_given, decider=decider, at=at)


def withdraw(ctx: Context, student: Collected, kind: str) -> None:
    decide(ctx, student, kind, is_given=False)


def agree(ctx: Context, student: Collected, kind: str) -> None:
    decide(ctx, student, kind, is_given=True)


def read_archive(ctx: Context, admin: Viewer, job_id: uuid.UUID) -> zipfile.ZipFile:
    run_next_job(ctx)
    file = open_export(ctx, admin, job_id, start=0)
    return zipfile.ZipFile(io.BytesIO(file.file.read()))


def test_provider_gets_neither_photo_nor_name_and_the_page_says_who_and_what(
    app: Flask, demo: Context, admin: Viewer, ask: Ask, students: list[Collected]
) -> None:
    withdraw(demo, students[1], "student_card")
    withdraw(demo, students[2], PHOTO)
    job_id = ask("photo_number", "registration", "student_card")
    archive = read_archive(demo, admin, job_id)
    names = archive.namelist()
    words = b"".join(archive.read(name) for name in names if not name.endswith(".jpg"))
    photos = [archive.read(name) for name in names if name.endswith(".jpg")]
    assert sum(name.startswith("学历注册/") for name in names) == 4 + 2
    assert sum(name.startswith("学生证/") for name in names) == 3 + 2
    for student in students:
        assert student.student_no.encode() not in words
        assert student.name.encode() not in words
    assert students[2].photo not in photos
    assert photos.count(students[1].photo) == 1
    with demo.db.read() as session:
        kept = session.scalars(select(BackgroundJob).where(BackgroundJob.id == job_id)).one()
    assert students[1].student_no not in str(kept.result)
    page = sign_in(app, "admin").read(f"/console/exports/{job_id}")
    shown = page.text[page.text.index("没有导出的学生") :]
    assert "2 人" in shown
    assert students[1].student_no in shown
    assert students[2].student_no in shown
    assert students[0].student_no not in shown


def test_export_that_nobody_agreed_to_says_so(
    demo: Context, ask: Ask, batch: Batch, students: list[Collected]
) -> None:
    for student in students:
        withdraw(demo, student, "online_exam")
    with pytest.raises(NobodyAgreed):
        ask("student_no", "online_exam")
    assert ask("student_no", "online_exam", "registration")


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_who_withdraws_during_an_export_is_not_hidden_by_who_agrees(
    demo: Context, admin: Viewer, batch: Batch, students: list[Collected]
) -> None:
    """As many as before are in it, but not the same."""
    withdraw(demo, students[4], PHOTO)
    order = ExportOrder(
        admin.institution_id, batch.id, Naming.STUDENT_NO, (Use.REGISTRATION,), demo.now()
    )

    def change_two_minds(done: int) -> None:
        if done == 2:
            withdraw(demo, students[0], PHOTO)
            agree(demo, students[4], PHOTO)

    out = ChunkWriter(demo, uuid.uuid4().hex)
    with pytest.raises(ExportOvertaken):
        ArchiveWriter(demo, order, out, change_two_minds, out.settle).write()


def test_archive_is_closed_once_somebody_in_it_withdraws(
    app: Flask, demo: Context, admin: Viewer, ask: Ask, students: list[Collected]
) -> None:
    """What was agreed to a moment before is no reason to hand it out a moment after."""
    withdraw(demo, students[3], "student_card")
    job_id = ask("photo_number", "registration", "student_card")
    read_archive(demo, admin, job_id)
    demo.clock.advance(seconds=5)  # type: ignore[attr-defined]
    page = f"/console/exports/{job_id}"
    desk = sign_in(app, "admin")
    assert f"{page}/archive.zip" in desk.read("/console/exports").html
    withdraw(demo, students[0], "degree")
    assert "撤回了同意" not in desk.read(page).text
    assert f"{page}/archive.zip" not in desk.read("/console/exports").html, "its page counts who"
    withdraw(demo, students[1], "student_card")
    with pytest.raises(ExportOutdated):
        open_export(demo, admin, job_id, start=0)
    shown = desk.read(page)
    assert "1 名学生撤回了同意" in shown.text
    assert "archive.zip" not in shown.html
    assert "重新导出" in shown.text
    refused = desk.get(f"{page}/archive.zip")
    assert (refused.status_code, "撤回了同意" in refused.text) == (410, True)
