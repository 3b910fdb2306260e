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
from server.services.exports.left_out import NobodyAgreed
from server.services.exports.manage import open_export
from server.services.jobs import run_next_job
from server.services.viewer import Viewer
from tests.college import Collected
from tests.desk import sign_in

Ask = Callable[..., uuid.UUID]


def withdraw(ctx: Context, student: Collected, kind: str) -> None:
    with ctx.db.write() as session:
        row = session.get_one(Enrolment, student.id)
        decider = Decider("student")
        assert record_consent(session, row, kind, is_given=False, decider=decider, at=ctx.now())


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
