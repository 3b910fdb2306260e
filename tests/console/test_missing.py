"""Who is missing and why, and that reminders reach people."""

from __future__ import annotations

import datetime as dt
import io
import json
from pathlib import Path

import pytest
import python_calamine
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select

from models import CollectionStatus, Enrolment, OutboxMessage, SmsMessage
from server.context import Context
from server.gateways.sms import FileSms
from server.services.messages.sms import find_quiet_end, send_due_sms
from server.services.overview import remind
from server.services.overview.list_students import StudentFilter
from server.services.overview.missing import list_missing
from server.services.overview.why_missing import Why
from tests.college import view_as
from tests.console.standing import bind, get_rows, give_phone
from tests.desk import Desk, sign_in

MISSING = StudentFilter(only_missing=True)
one_engine = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)


def test_list_says_why_each_student_is_missing(demo: Context, five: list[Enrolment]) -> None:
    _, rows = list_missing(demo, view_as(demo, "admin"), MISSING)
    assert [row.why for row in rows[:5]] == [
        *(Why.NEVER_SIGNED_IN, Why.NO_PHOTO, Why.CHECK_FAILED, Why.UNPAID, Why.REJECTED)
    ]
    failed = rows[2]
    assert (failed.failed_checks, failed.last_reason) == (2, "眼睛没有睁开")
    assert failed.last_active_at == demo.now()
    assert rows[4].last_reason == "眼睛没有睁开"
    assert rows[0].last_active_at is None
    assert rows[0].reach == "没有绑定微信，没有手机号"


@one_engine
def test_filters_and_files_hold_the_reasons(
    admin: Desk, demo: Context, five: list[Enrolment]
) -> None:
    give_phone(demo, five[0])
    page = admin.read("/console/missing?why=check_failed")
    assert five[2].student_no in page.text
    assert five[3].student_no not in page.text
    assert "检测未合格 2 次" in page.text
    assert five[0].student_no in admin.read("/console/missing?phone=known").text
    assert five[0].student_no in admin.read("/console/missing?class_name=会计一班").text
    assert five[1].student_no not in admin.read("/console/missing?class_name=会计一班").text
    csv = admin.get("/console/missing.csv").text
    assert "退回后未重新上传" in csv
    book = admin.get("/console/missing.xlsx").data
    lines = python_calamine.load_workbook(io.BytesIO(book)).get_sheet_by_index(0).to_python()
    assert lines[0][:3] == ["学号", "姓名", "班级"]
    assert lines[1][2] == "会计一班"
    assert "13800138000" not in csv


@one_engine
def test_group_text_names_nobody(admin: Desk, demo: Context, five: list[Enrolment]) -> None:
    for row in five:
        give_phone(demo, row)
    html = admin.read("/console/missing?class_name=会计一班").html
    text = html.split('id="group-text"')[1].split("</textarea>")[0]
    assert "会计一班还有 5 名同学没有完成" in text
    assert "y0814v" in text
    assert "教务处学籍科" in text
    for row in five:
        assert row.name not in text
        assert row.student_no not in text


def test_next_click_reaches_the_rest(demo: Context) -> None:
    for row in get_rows(demo, 7):
        bind(demo, row, allows=1)
    viewer = view_as(demo, "admin")
    clicks = [remind.remind_missing(demo, viewer, MISSING, at_once=3) for _ in range(4)]
    assert [(one.new, one.left) for one in clicks] == [(3, 4), (3, 1), (1, 0), (0, 0)]
    with demo.db.read() as session:
        assert len(session.scalars(select(OutboxMessage)).all()) == 7


@one_engine
def test_page_says_who_can_be_reached_and_why_not(admin: Desk, demo: Context) -> None:
    rows = get_rows(demo, 3)
    bind(demo, rows[0], allows=1)
    bind(demo, rows[1])
    page = admin.read("/console/missing")
    assert "可用微信提醒 1 人" in page.text
    assert "没有允许提醒，没有手机号" in page.text
    assert "可发短信" not in page.text
    answer = admin.client.get(admin.submit("/console/missing/remind"))
    assert "已安排 1 条微信提醒" in answer.text
    assert "今天已提醒 1 人" in admin.read("/console/missing").text


def with_sms(app: Flask, ctx: Context, folder: Path) -> Path:
    path = folder / "sms.jsonl"
    object.__setattr__(ctx, "sms", FileSms(path))
    app.extensions["caiji"] = ctx
    return path


@one_engine
def test_sms_reaches_who_has_no_wechat_and_waits_for_the_morning(
    app: Flask, demo: Context, tmp_path: Path
) -> None:
    path = with_sms(app, demo, tmp_path)
    rows = get_rows(demo, 3)
    give_phone(demo, rows[0])
    bind(demo, rows[1], allows=1)
    demo.clock.at = dt.datetime(2026, 10, 1, 14, 30, tzinfo=dt.UTC)  # type: ignore[attr-defined]
    desk = sign_in(app, "admin")
    assert "可发短信 1 人" in desk.read("/console/missing").text
    answer = desk.client.get(desk.submit("/console/missing/remind"))
    assert "1 条微信提醒、1 条短信" in answer.text
    assert "免打扰" in answer.text
    assert send_due_sms(demo) == 0
    demo.clock.at = dt.datetime(2026, 10, 2, 0, 1, tzinfo=dt.UTC)  # type: ignore[attr-defined]
    assert send_due_sms(demo) == 1
    assert send_due_sms(demo) == 0
    (line,) = [json.loads(one) for one in path.read_text().splitlines()]
    assert line["phone"] == "13800138000"
    assert "北京示范大学网络教育学院" in line["text"]
    assert rows[0].name not in line["text"]
    assert path.stat().st_mode & 0o077 == 0
    with demo.db.read() as session:
        assert session.scalars(select(SmsMessage.state)).all() == ["sent"]


@one_engine
def test_sms_is_not_sent_to_who_is_done_meanwhile(
    app: Flask, demo: Context, tmp_path: Path
) -> None:
    path = with_sms(app, demo, tmp_path)
    (row,) = get_rows(demo, 1)
    give_phone(demo, row)
    remind.remind_missing(demo, view_as(demo, "admin"), MISSING)
    with demo.db.write() as session:
        session.get_one(Enrolment, row.id).collection_status = CollectionStatus.UPLOADED
    demo.clock.advance(hours=24)  # type: ignore[attr-defined]
    send_due_sms(demo)
    assert not path.exists()


@one_engine
@pytest.mark.parametrize(
    ("hour", "minute", "waits_h"), [(21, 0, 11), (7, 59, 0), (8, 0, None), (20, 59, None)]
)
def test_quiet_hours(demo: Context, hour: int, minute: int, waits_h: int | None) -> None:
    zone = dt.timezone(dt.timedelta(hours=8))
    moment = dt.datetime(2026, 10, 1, hour, minute, tzinfo=zone)
    end = find_quiet_end(demo, moment)
    if waits_h is None:
        assert end is None
    else:
        assert end is not None
        assert (end - moment) // dt.timedelta(hours=1) == waits_h


@one_engine
def test_sms_is_off_by_default(client: FlaskClient, demo: Context) -> None:
    assert demo.sms.is_on is False
    assert send_due_sms(demo) == 0
