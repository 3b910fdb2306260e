"""Sight of photos and lists stands in the log beside sign-ins and failures, batched."""

from __future__ import annotations

import uuid

import pyotp
import pytest
from flask import Flask
from sqlalchemy import select

from models import AuditEntry, Photo
from server.context import Context
from server.demo import INSTITUTION
from server.services.staff.note_reads import MOST_IN_ENTRY, ReadNotes
from tests.college import Collected, collect, make_students, view_as
from tests.desk import DEMO_PASSWORD, Desk, sign_in
from tests.page import csrf_of

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)


def list_entries(ctx: Context, action: str) -> list[AuditEntry]:
    with ctx.db.read() as session:
        query = select(AuditEntry).where(AuditEntry.action == action).order_by(AuditEntry.id)
        return list(session.scalars(query))


def reads_of(app: Flask) -> ReadNotes:
    notes: ReadNotes = app.extensions["caiji_reads"]
    return notes


@pytest.fixture
def students(demo: Context) -> list[Collected]:
    students = make_students(3)
    collect(demo, INSTITUTION, students)
    return students


def see_photos(desk: Desk, demo: Context, students: list[Collected]) -> list[str]:
    with demo.db.read() as session:
        wanted = select(Photo.id).where(Photo.enrolment_id.in_([one.id for one in students]))
        ids = sorted(str(one) for one in session.scalars(wanted))
    for one in ids:
        assert desk.get(f"/console/photos/{one}/standard.jpg").status_code == 200
    return ids


def test_photos_of_one_page_are_one_entry_with_their_ids(
    app: Flask, admin: Desk, demo: Context, students: list[Collected]
) -> None:
    ids = see_photos(admin, demo, students)
    see_photos(admin, demo, students[:1])
    assert list_entries(demo, "photo.view") == []
    assert reads_of(app).flush() == 1
    (entry,) = list_entries(demo, "photo.view")
    assert sorted(entry.detail["photos"]) == ids
    assert entry.detail["kind"] == "standard"
    assert entry.staff_id == view_as(demo, "admin").staff_id
    assert reads_of(app).flush() == 0


def test_log_of_one_student_holds_the_looks_at_a_page(
    app: Flask, admin: Desk, demo: Context, students: list[Collected]
) -> None:
    see_photos(admin, demo, students)
    reads_of(app).flush()
    page = admin.read(f"/console/audit?student_no={students[1].student_no}").text
    assert "没有符合条件的记录" not in page
    assert "没有符合条件的记录" in admin.read("/console/audit?student_no=20200060").text


def test_looks_are_written_by_themselves(demo: Context) -> None:
    notes = ReadNotes(demo, every_s=0.01)
    notes.note_photo(view_as(demo, "reviewer"), "original", uuid.uuid4())
    timer = notes._timer
    assert timer is not None
    timer.join(10)
    assert [entry.detail["kind"] for entry in list_entries(demo, "photo.view")] == ["original"]


def test_many_looks_are_cut_into_entries(demo: Context) -> None:
    notes = ReadNotes(demo, every_s=60)
    viewer = view_as(demo, "reviewer")
    for _ in range(MOST_IN_ENTRY + 1):
        notes.note_photo(viewer, "standard", uuid.uuid4())
    assert notes.flush() == 2


@pytest.mark.parametrize(
    ("path", "action"),
    [
        ("/console/missing.csv", "missing.export"),
        ("/console/missing.xlsx", "missing.export"),
        ("/console/students.xlsx", "students.export"),
        ("/console/photo-numbers.csv", "photo_numbers.export"),
        ("/console/ledger.csv?first=2026-09-01&last=2026-09-30", "payment.ledger"),
        ("/console/audit.csv", "audit.export"),
    ],
)
def test_every_list_that_leaves_is_one_entry(
    admin: Desk, demo: Context, path: str, action: str
) -> None:
    assert admin.get(path).status_code == 200
    assert len(list_entries(demo, action)) == 1


def test_whole_number_that_is_looked_for_is_one_entry(admin: Desk, demo: Context) -> None:
    admin.post("/console/students/find", id_number="110101199003070011")
    (entry,) = list_entries(demo, "students.find_number")
    assert "110101199003070011" not in str(vars(entry))


def test_refused_code_is_logged_like_a_refused_password(app: Flask, demo: Context) -> None:
    desk = sign_in(app, "reviewer")
    page = "/console/account/second-factor"
    token = csrf_of(desk.get(page).text)
    with desk.client.session_transaction() as session:
        secret = session["new_totp_secret"]
    code = pyotp.TOTP(secret).at(demo.now())
    assert desk.client.post(page, data={"csrf_token": token, "code": code}).status_code == 200
    client = app.test_client()
    token = csrf_of(client.get("/console/sign-in").text)
    form = {"csrf_token": token, "username": "reviewer", "password": DEMO_PASSWORD}
    assert client.post("/console/sign-in", data=form).status_code == 302
    form = {"csrf_token": csrf_of(client.get("/console/sign-in/code").text), "code": "000000"}
    assert client.post("/console/sign-in/code", data=form).status_code == 401
    (entry,) = list_entries(demo, "session.refuse")
    assert entry.detail["step"] == "两步验证"
