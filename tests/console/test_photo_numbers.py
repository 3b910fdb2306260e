"""学号 and 照片编号 side by side: for administrators alone, and every look is noted."""

from __future__ import annotations

import io
from collections.abc import Callable
from urllib.parse import urlencode

import pytest
import python_calamine
from flask import Flask
from sqlalchemy import select

from models import AuditEntry, Enrolment
from server.context import Context
from server.services.exports.plan import Naming
from tests.desk import sign_in


def pick(demo: Context, place: int = 0) -> Enrolment:
    with demo.db.read() as session:
        every = select(Enrolment).order_by(Enrolment.student_no)
        return session.scalars(every).all()[place]


def find(text: str) -> str:
    return f"/console/photo-numbers?{urlencode({'text': text})}"


def read_audit(demo: Context) -> list[str]:
    with demo.db.read() as session:
        return list(
            session.scalars(
                select(AuditEntry.action).where(AuditEntry.action.like("photo_numbers.%"))
            )
        )


@pytest.mark.parametrize("typed", [str, str.lower, " {} ".format])
def test_number_that_a_provider_returns_finds_its_student(
    app: Flask, demo: Context, typed: Callable[[str], str]
) -> None:
    one = pick(demo, 7)
    page = sign_in(app, "admin").read(find(typed(one.photo_number)))
    assert one.student_no in page.text
    assert pick(demo, 8).student_no not in page.text
    assert read_audit(demo) == ["photo_numbers.view"]


def test_beginning_of_a_student_number_finds_the_photo_number(app: Flask, demo: Context) -> None:
    one = pick(demo, 3)
    page = sign_in(app, "admin").read(find(one.student_no))
    assert one.photo_number in page.text


def test_files_hold_every_student_under_both_names(app: Flask, demo: Context) -> None:
    desk = sign_in(app, "admin")
    text = desk.get("/console/photo-numbers.csv").get_data(as_text=True)
    book = desk.get("/console/photo-numbers.xlsx").data
    rows = python_calamine.load_workbook(io.BytesIO(book)).get_sheet_by_index(0).to_python()
    one = pick(demo, 59)
    assert f"{one.student_no},{one.photo_number},{one.name}" in text
    assert [one.student_no, one.photo_number] in [row[:2] for row in rows]
    assert len(rows) == 61
    assert read_audit(demo) == ["photo_numbers.export"] * 2


@pytest.mark.parametrize("who", ["reviewer", "centre1", "finance"])
def test_others_see_no_way_to_it(app: Flask, demo: Context, who: str) -> None:
    desk = sign_in(app, who)
    assert desk.get("/console/photo-numbers").status_code == 403
    assert desk.get("/console/photo-numbers.xlsx").status_code == 403
    assert read_audit(demo) == []


def test_jobs_of_the_former_release_keep_their_naming() -> None:
    assert Naming("collection_code") is Naming.PHOTO_NUMBER
    with pytest.raises(ValueError, match="other"):
        Naming("other")
