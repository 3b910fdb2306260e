"""A batch on paper as a job: taken up again, fetched, deleted, and what its page says."""

from __future__ import annotations

import datetime as dt
import uuid

import pytest
from flask import Flask
from sqlalchemy import select

from models import BackgroundJob, Enrolment, Photo
from server.context import Context
from server.demo import INSTITUTION
from server.errors import CaijiError
from server.services.jobs import register_job, run_next_job
from server.services.prints.jobs import (
    KIND,
    PrintGone,
    delete_print,
    open_print,
    remove_spent_prints,
    request_print,
    run_print,
    view_print,
)
from server.services.prints.order import PrintOrder
from server.services.viewer import Viewer
from tests.college import collect, make_students, view_as
from tests.desk import sign_in
from tests.prints.test_prints import collect_with_photos, draw, jpeg, one_engine, read_text


@pytest.fixture
def admin(demo: Context) -> Viewer:
    return view_as(demo, "admin")


@one_engine
def test_killed_job_goes_on_with_the_first_file_that_is_missing(
    demo: Context, admin: Viewer
) -> None:
    students = collect_with_photos(demo, 5)
    job_id = request_print(demo, admin, PrintOrder(), part_size=2)
    again = request_print(demo, admin, PrintOrder(), part_size=2)
    assert again == job_id, "a second click starts nothing"
    with demo.db.write() as session:
        session.get_one(BackgroundJob, job_id).state = "running"
        owner = Photo.enrolment_id == students[3].id
        key = session.scalars(select(Photo.standard_key).where(owner)).one() or ""
    kept = demo.photo_store.get(key)
    demo.photo_store.delete(key)
    with pytest.raises(CaijiError, match=students[3].student_no):
        run_print(demo, job_id)
    first = demo.photo_store.get(f"prints/{job_id}/1")
    assert students[0].name.encode() not in first
    with demo.db.read() as session:
        assert session.get_one(BackgroundJob, job_id).done_count == 2
    demo.photo_store.put(key, kept)
    run_print(demo, job_id)
    assert demo.photo_store.get(f"prints/{job_id}/1") == first, "what is done is not done again"
    with demo.db.write() as session:
        session.get_one(BackgroundJob, job_id).state = "done"
    view = view_print(demo, admin, job_id)
    assert [one["students"] for one in view.parts] == [2, 2, 1]
    assert students[4].student_no in read_text(open_print(demo, admin, job_id, 3))


@one_engine
def test_files_go_by_hand_or_after_a_day(demo: Context, admin: Viewer) -> None:
    collect_with_photos(demo, 1)
    before = sorted(demo.photo_store.list_keys())
    for is_by_hand in (True, False):
        view, _ = draw(demo, admin, PrintOrder())
        if is_by_hand:
            delete_print(demo, admin, view.job.id)
        else:
            assert remove_spent_prints(demo) == 0
            with demo.db.write() as session:
                row = session.get_one(BackgroundJob, view.job.id)
                row.created_at -= dt.timedelta(days=1, minutes=1)
            assert remove_spent_prints(demo) == 1
        assert sorted(demo.photo_store.list_keys()) == before
        with pytest.raises(PrintGone):
            open_print(demo, admin, view.job.id, 1)


@one_engine
def test_page_shows_the_job_sends_its_file_and_says_what_is_wrong(
    app: Flask, demo: Context
) -> None:
    register_job(KIND, run_print)
    collect_with_photos(demo, 1)
    desk = sign_in(app, "admin")
    assert "打印" in desk.read("/console/prints").html
    fields = {"profile": "moe-2017", "paper": "a4", "copies": "1", "order": "seat"}
    where = desk.submit("/console/prints/sheet", **fields)
    assert "排队中" in desk.read(where).text
    assert desk.get(f"{where}/file.pdf").status_code == 410
    run_next_job(demo)
    assert "1 人，1 页" in desk.read(where).text
    answer = desk.get(f"{where}/file.pdf?part=1")
    assert answer.mimetype == "application/pdf"
    assert answer.data.startswith(b"%PDF")
    assert answer.headers["Cache-Control"] == "private, no-store"
    wrong = desk.post("/console/prints/sheet", **{**fields, "paper": "x"})
    assert wrong.status_code == 422
    assert "请选择纸张" in wrong.text
    with demo.db.read() as session:
        number = session.scalars(select(Enrolment.student_no).join(Enrolment.photo)).one()
    listed = {**fields, "order": "list", "student_nos": f"{number}，99999 没有"}
    short = desk.post("/console/prints/sheet", **listed)
    assert short.status_code == 422, "who is listed is printed, or named"
    assert "没有可打印的照片：99999、没有" in short.text
    contact = desk.submit("/console/prints/contact", order="centre")
    run_next_job(demo)
    assert desk.get(f"{contact}/file.pdf").data.startswith(b"%PDF")
    student = desk.post(
        f"/console/students/{find_collected(demo)}/print.pdf", profile="moe-2017", paper="6"
    )
    assert student.data.startswith(b"%PDF")


def find_collected(ctx: Context) -> uuid.UUID:
    with ctx.db.read() as session:
        return session.scalars(
            select(Enrolment.id).where(Enrolment.photo_id.is_not(None)).limit(1)
        ).one()


@one_engine
def test_damaged_photo_is_named_by_its_student(demo: Context, admin: Viewer) -> None:
    students = make_students(2)
    students[0].photo, students[1].photo = jpeg(), b"no picture"
    collect(demo, INSTITUTION, students)
    register_job(KIND, run_print)
    job_id = request_print(demo, admin, PrintOrder())
    assert run_next_job(demo)
    view = view_print(demo, admin, job_id)
    assert view.job.state == "failed"
    assert students[1].student_no in view.job.error
