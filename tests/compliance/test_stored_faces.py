"""The count of stored faces: a warning near the figure, a due date from it on."""

from __future__ import annotations

import datetime as dt

import pytest
from sqlalchemy import select, update

from models import Institution, Photo, StoredFaces
from server.context import Context
from server.demo import INSTITUTION
from server.services.compliance.stored_faces import (
    add_working_days,
    count_stored_faces,
    note_stored_faces,
    read_face_notice,
)
from tests.college import collect, make_students
from tests.desk import Desk

one_engine = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)


def note(ctx: Context, institution: Institution, count: int) -> None:
    with ctx.db.write() as session:
        note_stored_faces(session, institution.id, count, at=ctx.now())


@one_engine
def test_warning_comes_at_eighty_thousand(
    admin: Desk, demo: Context, institution: Institution
) -> None:
    note(demo, institution, 79_999)
    assert "存放的人脸" not in admin.read("/console/progress").text
    note(demo, institution, 80_000)
    assert "本校存放的人脸已有 80000 人" in admin.read("/console/progress").text


@one_engine
def test_one_face_more_than_99999_gives_the_due_date(
    admin: Desk, demo: Context, institution: Institution
) -> None:
    note(demo, institution, 99_999)
    with demo.db.read() as session:
        notice = read_face_notice(session, institution.id)
    assert notice is not None
    assert notice.due_on is None
    note(demo, institution, 99_999 + 1)
    due_on = add_working_days(demo.now().date(), 30).isoformat()
    assert f"{due_on} 前向省级以上网信部门备案" in admin.read("/console/progress").text
    demo.clock.advance(days=3)  # type: ignore[attr-defined]
    note(demo, institution, 90_000)
    with demo.db.read() as session:
        later = read_face_notice(session, institution.id)
    assert later is not None
    assert str(later.due_on) == due_on


@one_engine
def test_banner_ends_with_the_filing(admin: Desk, demo: Context, institution: Institution) -> None:
    note(demo, institution, 100_000)
    assert admin.post("/console/assessments/filing", filed_on="soon").status_code == 422
    admin.submit("/console/assessments/filing", filed_on="2026-11-02")
    assert "网信部门备案" not in admin.read("/console/progress").text
    assert "已于 2026-11-02 备案" in admin.read("/console/assessments").text


@pytest.mark.parametrize(
    ("day", "count", "expected"),
    [
        ("2026-11-06", 1, "2026-11-09"),
        ("2026-11-02", 30, "2026-12-14"),
        ("2026-11-07", 5, "2026-11-13"),
    ],
)
def test_working_days_leave_weekends_out(day: str, count: int, expected: str) -> None:
    assert add_working_days(dt.date.fromisoformat(day), count).isoformat() == expected


def test_people_whose_photo_lies_here_are_counted_once(demo: Context) -> None:
    students = make_students(3)
    collect(demo, INSTITUTION, students)
    with demo.db.write() as session:
        session.execute(
            update(Photo)
            .where(Photo.enrolment_id == students[0].id)
            .values(original_key=None, standard_key=None)
        )
    assert count_stored_faces(demo) == 1
    with demo.db.read() as session:
        assert session.scalars(select(StoredFaces)).one().count == 2
