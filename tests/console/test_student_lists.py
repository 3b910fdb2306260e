"""The list of students: searched, filtered, led to from every figure, taken as a workbook."""

from __future__ import annotations

import datetime as dt
import io
import re

import pytest
import python_calamine
from flask import Flask
from sqlalchemy import select

from models import AuditEntry, Enrolment, Photo, Review, Verdict
from server.context import Context
from server.gateways.clock import to_local
from server.services.overview.dashboard import read_dashboard
from server.services.overview.list_students import StudentFilter, list_students
from tests.college import view_as
from tests.console.standing import get_rows, send
from tests.desk import Desk, sign_in

one_engine = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)


@one_engine
@pytest.mark.parametrize(
    ("stored", "typed"),
    [("阿卜杜·热合曼", "阿卜杜•热"), ("MARIA LOPEZ", "ｍaria"), ("王䶮", "王\ue863")],
)
def test_search_finds_names_as_people_write_them(
    admin: Desk, demo: Context, stored: str, typed: str
) -> None:
    (row,) = get_rows(demo, 1)
    with demo.db.write() as session:
        session.get_one(Enrolment, row.id).name = stored
    page = admin.client.get("/console/students", query_string={"text": typed})
    assert row.student_no in page.text


def test_students_are_found_by_number_never_in_an_address_and_every_search_is_audited(
    demo: Context, app: Flask
) -> None:
    first, second = get_rows(demo, 2)
    number = first.decrypt_id_number(demo.cipher)
    admin = sign_in(app, "admin")
    typed = f" {number[:6]} {number[6:]} "
    assert admin.submit("/console/students/find", id_number=typed).endswith(str(first.id))
    leads_away = admin.get(f"/console/students?text={number}")
    assert (leads_away.status_code, number in leads_away.headers["Location"]) == (302, False)
    assert admin.post("/console/students/find", id_number=number[:-2]).status_code == 422
    with demo.db.write() as session:
        twin = session.get_one(Enrolment, second.id)
        twin.encrypt_id_number(number, demo.cipher)
    both = admin.post("/console/students/find", id_number=number).text
    assert first.student_no in both
    assert second.student_no in both
    with demo.db.read() as session:
        entries = session.scalars(
            select(AuditEntry).where(AuditEntry.action == "students.find_number")
        ).all()
    assert sorted(one.detail["count"] for one in entries) == [1, 2, 2]
    assert number not in repr([one.detail for one in entries])


def test_centre_does_not_find_students_of_others_by_number(demo: Context, app: Flask) -> None:
    own = view_as(demo, "centre1").centre_ids
    foreign = next(row for row in get_rows(demo, 60) if row.centre_id not in own)
    number = foreign.decrypt_id_number(demo.cipher)
    answer = sign_in(app, "centre1").post("/console/students/find", id_number=number)
    assert (answer.status_code, foreign.student_no in answer.text) == (200, False)
    assert "没有这个证件号码的学生" in answer.text


@one_engine
def test_students_as_workbook_hold_what_the_filter_shows(
    demo: Context, five: list[Enrolment], app: Flask
) -> None:
    admin = sign_in(app, "admin")
    for why, row in (("check_failed", five[2]), ("unpaid", five[3])):
        html = admin.read(f"/console/students?why={why}").html
        assert (row.student_no in html, five[0].student_no in html) == (True, False)
        book = admin.get(f"/console/students.xlsx?why={why}").data
        lines = python_calamine.load_workbook(io.BytesIO(book)).get_sheet_by_index(0).to_python()
        assert [line[0] for line in lines] == ["学号", row.student_no]


def test_dashboard_names_the_rules_that_stop_students_and_its_figures_are_links(
    demo: Context, five: list[Enrolment], app: Flask
) -> None:
    send(demo, five[1], Verdict.FAIL, "光线太暗")
    rules = read_dashboard(demo, view_as(demo, "admin")).stopping
    assert [(rule.code, len(rule.students), rule.checks) for rule in rules] == [("x", 2, 3)]
    admin = sign_in(app, "admin")
    page = admin.read("/console/")
    links = re.findall(r'<a href="(/console/students[?][^"]*)">(\d+)<', page.html)
    assert len(links) > 10
    assert any("rule=x" in address for address, _ in links)
    for address, count in links:
        assert f"共 {count} 人" in admin.read(address.replace("&amp;", "&")).text


@pytest.mark.engines
def test_figure_of_a_rule_or_reason_leads_to_exactly_its_students(
    demo: Context, five: list[Enrolment]
) -> None:
    send(demo, five[1], Verdict.FAIL, "光线太暗")
    admin = view_as(demo, "admin")
    since = demo.now() - dt.timedelta(days=30)

    def find(**wanted: str) -> list[str]:
        rows = list_students(demo, admin, StudentFilter(figures_since=since, **wanted)).rows
        return [row.student_no for row in rows]

    assert sorted(find(rule="x")) == sorted([five[1].student_no, five[2].student_no])
    assert find(rule="y") == []
    with demo.db.read() as session:
        given = session.scalars(select(Review)).all()
        wanted = {review.enrolment_id for review in given if not review.reason_codes}
    noted = [row.student_no for row in five if row.id in wanted]
    assert sorted(find(reason="note")) == sorted(noted)
    for review in given:
        for code in review.reason_codes:
            assert any(row.student_no in find(reason=code) for row in five)
    day = to_local(demo.now()).date().isoformat()
    with demo.db.write() as session:
        session.get_one(Enrolment, five[0].id).uploaded_at = demo.now()
    assert five[0].student_no in find(uploaded_on=day)
    assert find(uploaded_on="2020-01-01") == find(collected_on="99999") == []


@one_engine
def test_set_filters_are_chips_that_close_one_by_one(app: Flask, demo: Context) -> None:
    admin = sign_in(app, "admin")
    page = admin.read("/console/students?status=not_uploaded&level=专升本&text=2020")
    chips = re.findall(r'class="chip">([^<]+)<a href="([^"]+)"', page.html)
    assert [text.strip() for text, _ in chips] == [
        "采集情况：未上传",
        "层次：专升本",
        "学号或姓名开头：2020",
    ]
    for text, address in chips:
        left = admin.read(address.replace("&amp;", "&")).html
        assert text.strip() not in left
        assert left.count('class="chip"') == 2


@one_engine
def test_list_shows_a_face_where_there_is_one_and_the_viewer_may_see_it(
    app: Flask, demo: Context, five: list[Enrolment]
) -> None:
    with demo.db.write() as session:
        photo = session.scalars(select(Photo).where(Photo.enrolment_id == five[3].id)).first()
        assert photo
        photo.standard_key = "x"
        session.get_one(Enrolment, five[3].id).photo_id = photo.id
    shown = f'<img src="/console/photos/{photo.id}/standard.jpg"'
    assert shown in sign_in(app, "admin").read("/console/students").html
    html = sign_in(app, "finance").read("/console/students").html
    assert "<img" not in html.split("<tbody>")[1]
