"""Feature codes, batches and learning centres, as an administrator keeps them."""

from __future__ import annotations

import datetime as dt
import re
import uuid
from typing import Any

import pytest
from sqlalchemy import select

from models import AuditEntry, Batch, CollectionStatus, Enrolment, FeatureCode, LearningCentre
from server.console.code_steps import list_steps
from server.context import Context
from server.demo import CODE
from server.gateways.clock import LOCAL_ZONE
from server.services.college.batches import ensure_all_batches, find_target_batch
from tests.cast import STUDENTS, Phone
from tests.desk import Desk, sign_in

one_engine = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
VALUES = {
    "fee": "25.5",
    "profile": "moe-2017-blue",
    "background": "blue",
    "capture_policy": "camera_only",
    "daily_submissions": "5",
    "opens_at": "",
    "closes_at": "",
}


def local(text: str) -> dt.datetime:
    return dt.datetime.fromisoformat(text).replace(tzinfo=LOCAL_ZONE)


def find_code(ctx: Context, code: str) -> FeatureCode:
    with ctx.db.read() as session:
        return session.scalars(select(FeatureCode).where(FeatureCode.code == code)).one()


def list_batches(ctx: Context) -> list[Batch]:
    with ctx.db.read() as session:
        return list(session.scalars(select(Batch).order_by(Batch.date)))


@pytest.fixture
def autumn(demo: Context) -> Batch:
    return list_batches(demo)[0]


@pytest.fixture
def waiting(demo: Context) -> None:
    """Three photos wait: one of 1 November, one of 9 November, one in the grace of autumn."""
    with demo.db.write() as session:
        rows = session.scalars(select(Enrolment).order_by(Enrolment.student_no).limit(3)).all()
        autumn = session.scalars(select(Batch).order_by(Batch.date).limit(1)).one()
        for row, day in zip(rows, ("2026-11-01", "2026-11-09", "2026-11-12"), strict=True):
            row.collection_status = CollectionStatus.UPLOADED
            row.uploaded_at = local(f"{day} 12:00:00")
        rows[2].grace_batch_id, rows[2].grace_until = autumn.id, local("2026-11-13 00:00:00")


def change(batch: Batch, **values: str) -> dict[str, str]:
    shown = {"cutoff_at": "2026-11-10T23:59", "grace_days": "2", "card_visible_from": "2026-12-01"}
    return shown | values


def read_fingerprint(html: str) -> str:
    found = re.search(r'name="confirmed" value="([0-9a-f]{64})"', html)
    assert found
    return found.group(1)


@one_engine
def test_new_code_is_open_to_students_at_once(admin: Desk, demo: Context) -> None:
    page = admin.submit("/console/codes/new", code=" Ab12X ", **VALUES)
    row = find_code(demo, "ab12x")
    assert page.endswith(str(row.id))
    assert (row.fee_fen, row.profile, row.daily_submissions) == (2550, "moe-2017-blue", 5)
    shown = Phone(admin.client, "alice").sign_in().call("GET", "/codes/AB12x")
    assert shown.json["data"]["fee_fen"] == 2550
    assert "25.50 元" in admin.read(page).text
    assert "ab12x 开放中 集中采集 25.50 元" in admin.read("/console/codes").text


@one_engine
def test_code_that_the_school_pays_for_lasts_to_the_end_of_its_last_minute(
    admin: Desk, demo: Context
) -> None:
    until = {"opens_at": "", "closes_at": "2026-11-02T23:59"}
    page = admin.submit("/console/codes/new", code="free01", **VALUES | {"fee": "0"} | until)
    row = find_code(demo, "free01")
    assert (row.fee_fen, row.closes_at) == (0, local("2026-11-02 23:59:59"))
    assert "费用：免费" in admin.read(page).text
    assert 'value="2026-11-02T23:59"' in admin.read(page).html
    assert "free01 开放中 集中采集 免费" in admin.read("/console/codes").text
    assert "支付" not in admin.read(f"{page}/print").text
    shown = Phone(admin.client, "alice").sign_in().call("GET", "/codes/free01")
    assert shown.json["data"]["fee_fen"] == 0


@one_engine
@pytest.mark.parametrize(
    ("wrong", "field", "word"),
    [
        ({"code": "abc"}, "code", "4-8 位"),
        ({"code": CODE.upper()}, "code", "已被使用"),
        ({"fee": "1000.01"}, "fee", "0 到 1000 元"),
        ({"fee": "1.234"}, "fee", "两位小数"),
        ({"fee": "1e9"}, "fee", "金额"),
        ({"daily_submissions": "101"}, "daily_submissions", "1 到 100"),
        ({"daily_submissions": "٣"}, "daily_submissions", "整数"),
        ({"profile": "x"}, "profile", "列表"),
        ({"background": "white"}, "background", "不接受"),
        ({"opens_at": "soon"}, "opens_at", "日期和时间"),
        ({"opens_at": "2026-11-02T08:00", "closes_at": "2026-11-02T08:00"}, "closes_at", "晚于"),
    ],
)
def test_wrong_value_is_told_beside_its_field_and_the_rest_stays(
    admin: Desk, demo: Context, wrong: dict[str, str], field: str, word: str
) -> None:
    answer = admin.post("/console/codes/new", **{"code": "good1", **VALUES, **wrong})
    assert answer.status_code == 422
    fault = re.search(rf'id="e-{field}">([^<]+)<', answer.text)
    assert fault
    assert word in fault.group(1)
    assert 'value="camera_only" selected' in answer.text
    with demo.db.read() as session:
        assert len(session.scalars(select(FeatureCode)).all()) == 1


@one_engine
def test_change_is_saved_and_logged_once(admin: Desk, demo: Context) -> None:
    code = find_code(demo, CODE)
    page = f"/console/codes/{code.id}"
    assert "未支付的订单按新费用重新下单" in admin.read(page).text
    admin.submit(page, **VALUES)
    assert find_code(demo, CODE).fee_fen == 2550
    admin.submit(page, **VALUES)
    with demo.db.read() as session:
        entries = session.scalars(select(AuditEntry).where(AuditEntry.action == "code.change"))
        assert len(entries.all()) == 1


@one_engine
def test_disabled_code_is_unknown_to_students(admin: Desk, demo: Context) -> None:
    page = f"/console/codes/{find_code(demo, CODE).id}"
    assert "不能再绑定" in admin.post(f"{page}/disable").text
    admin.submit(f"{page}/disable", confirmed="yes")
    alice = Phone(admin.client, "alice").sign_in()
    assert alice.call("GET", f"/codes/{CODE}").status_code == 404
    assert "没有找到这个特征码" in admin.read(page).text
    admin.submit(f"{page}/enable")
    assert alice.call("GET", f"/codes/{CODE}").status_code == 200


class KnownMessages:
    """WeChat's side for one picture."""

    def __init__(self) -> None:
        self.asked: list[str] = []

    def make_code_picture(self, feature_code: str) -> bytes:
        self.asked.append(feature_code)
        return b"\xff\xd8\xff picture of " + feature_code.encode()


@one_engine
def test_code_picture_is_wechats_once_it_answers_and_kept(admin: Desk, demo: Context) -> None:
    page = f"/console/codes/{find_code(demo, CODE).id}"
    assert "暂时连不上微信" in admin.read(f"{page}/print").text
    assert admin.get(f"{page}/picture").mimetype == "image/svg+xml"
    messages: Any = KnownMessages()
    object.__setattr__(admin.client.application.extensions["caiji"], "messages", messages)
    assert "暂时连不上微信" not in admin.read(f"{page}/print").text
    assert admin.get(f"{page}/picture").data.endswith(CODE.encode())
    assert messages.asked == [CODE]


@pytest.mark.usefixtures("waiting")
def test_roll_over_is_shown_before_it_happens(admin: Desk, demo: Context, autumn: Batch) -> None:
    page = f"/console/batches/{autumn.id}"
    assert "2026-11-10 正在进行 2026-11-10 23:59 2 天 2026-12-01 3 张" in (
        admin.read("/console/batches").text
    )
    form = change(autumn, cutoff_at="2026-11-05T18:30")
    shown = admin.post(page, **form)
    assert "2026-11-10 2027-05-10 1 张" in re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", shown.text))
    assert list_batches(demo)[0].cutoff_at == autumn.cutoff_at
    admin.submit(page, **form, confirmed=read_fingerprint(shown.text))
    assert list_batches(demo)[0].cutoff_at == local("2026-11-05 18:30:59")
    with demo.db.read() as session:
        rows = session.scalars(select(Enrolment).order_by(Enrolment.student_no).limit(3)).all()
        targets = [find_target_batch(session, row, demo.now()) for row in rows]
    assert [one.label for one in targets if one] == ["2026-11-10", "2027-05-10", "2026-11-10"]


@pytest.mark.usefixtures("waiting")
def test_photo_that_comes_while_the_admin_thinks_is_shown_first(
    admin: Desk, demo: Context, autumn: Batch
) -> None:
    page = f"/console/batches/{autumn.id}"
    form = change(autumn, cutoff_at="2026-11-05T18:30")
    seen = read_fingerprint(admin.post(page, **form).text)
    with demo.db.write() as session:
        row = session.scalars(select(Enrolment).order_by(Enrolment.student_no.desc())).first()
        assert row
        row.collection_status = CollectionStatus.UPLOADED
        row.uploaded_at = local("2026-11-08 12:00:00")
    again = admin.post(page, **form, confirmed=seen)
    assert again.status_code == 409
    assert "情况又有变化" in again.text
    assert list_batches(demo)[0].cutoff_at == autumn.cutoff_at
    admin.submit(page, **form, confirmed=read_fingerprint(again.text))
    assert list_batches(demo)[0].cutoff_at < autumn.cutoff_at


@one_engine
@pytest.mark.parametrize(
    ("wrong", "word"),
    [
        ({"cutoff_at": "2027-05-10T23:59"}, "早于批次 2027-05-10"),
        ({"cutoff_at": "tomorrow"}, "日期和时间"),
        ({"grace_days": "31"}, "0 到 30"),
        ({"card_visible_from": "2026-13-01"}, "日期"),
    ],
)
def test_impossible_batch_is_refused(
    admin: Desk, demo: Context, autumn: Batch, wrong: dict[str, str], word: str
) -> None:
    answer = admin.post(f"/console/batches/{autumn.id}", **change(autumn, **wrong))
    assert answer.status_code == 422
    assert word in answer.text
    assert list_batches(demo)[0].cutoff_at == autumn.cutoff_at


@pytest.mark.usefixtures("waiting")
def test_batch_closes_after_its_cutoff_and_its_waiting_photos_go_on(
    app: Any, demo: Context, autumn: Batch
) -> None:
    page = f"/console/batches/{autumn.id}/close"
    early = sign_in(app, "admin").get(page)
    assert early.status_code == 422
    demo.clock.at = local("2026-11-20 09:00:00")  # type: ignore[attr-defined]
    admin = sign_in(app, "admin")
    shown = admin.get(page)
    assert "2026-11-10 2027-05-10 3 张" in re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", shown.text))
    admin.submit(page, confirmed=read_fingerprint(shown.text))
    assert list_batches(demo)[0].closed_at is not None
    assert "已关闭" in admin.read("/console/batches").text


@pytest.mark.usefixtures("waiting")
def test_earlier_last_day_is_shown_before_it_holds_and_to_its_students(
    admin: Desk, demo: Context, autumn: Batch
) -> None:
    with demo.db.write() as session:
        own = session.scalars(select(Enrolment).order_by(Enrolment.student_no)).all()
        own[1].expected_term = own[5].expected_term = "2027 春"
    page = f"/console/batches/{autumn.id}/windows"
    form = {"centre": "", "term": "2027 春", "last_at": "2026-11-08T23:59"}
    shown = admin.post(page, **form)
    assert "2026-11-10 2027-05-10 1 张" in re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", shown.text))
    admin.submit(page, **form, confirmed=read_fingerprint(shown.text))
    assert "2027 春毕业 2026-11-08 23:59" in admin.read(page).text
    assert "1 组更早" in admin.read("/console/batches").text
    assert "其中 2027 春毕业 2026-11-08 23:59" in admin.read("/console/").text
    alice = Phone(admin.client, "alice").sign_in()
    assert alice.enrolment(alice.bound(5))["target_cutoff_at"].startswith("2026-11-08T15:59:59")
    assert alice.enrolment(alice.bound(6))["target_cutoff_at"].startswith("2026-11-10T15:59:59")
    assert admin.post(page, centre="", term="", last_at="2026-11-08T23:59").status_code == 422
    removal = {**form, "act": "remove"}
    admin.submit(page, **removal, confirmed=read_fingerprint(admin.post(page, **removal).text))
    assert "所有学生都按批次的截止时间" in admin.read(page).text
    assert "2026-11-08 23:59" in admin.read("/console/audit").text


@pytest.mark.usefixtures("waiting")
def test_supplementary_batch_is_shown_made_and_taken_away(admin: Desk, demo: Context) -> None:
    form = {"cutoff_at": "2026-12-20T23:59", "grace_days": "1", "card_visible_from": ""}
    shown = admin.post("/console/batches/new", **form)
    assert "补充批次 2026-12-20" in shown.text
    assert len(list_batches(demo)) == 3
    admin.submit("/console/batches/new", **form, confirmed=read_fingerprint(shown.text))
    (extra,) = [one for one in list_batches(demo) if one.is_extra]
    assert (extra.label, str(extra.card_visible_from)) == ("2026-12-20", "2027-01-01")
    assert admin.post("/console/batches/new", **form).status_code == 422
    page = f"/console/batches/{extra.id}/remove"
    admin.submit(page, confirmed=read_fingerprint(admin.get(page).text))
    assert len(list_batches(demo)) == 3
    assert "删除补充批次" in admin.read("/console/audit").text


def test_batch_that_was_moved_into_the_past_is_not_made_again(demo: Context, autumn: Batch) -> None:
    with demo.db.write() as session:
        session.get_one(Batch, autumn.id).cutoff_at = local("2026-11-05 12:00:00")
    demo.clock.at = local("2026-11-07 09:00:00")  # type: ignore[attr-defined]
    ensure_all_batches(demo)
    assert [one.label for one in list_batches(demo)].count("2026-11-10") == 1


@one_engine
def test_contact_of_a_centre_reaches_its_students(admin: Desk, demo: Context) -> None:
    with demo.db.read() as session:
        centre = session.scalars(
            select(LearningCentre).where(LearningCentre.name == STUDENTS[0].centre)
        ).one()
    page = f"/console/centres/{centre.id}"
    admin.submit(page, name=centre.name, contact="010-1234 王老师")
    alice = Phone(admin.client, "alice").sign_in()
    assert alice.enrolment(alice.bound())["centre"]["contact"] == "010-1234 王老师"
    taken = admin.post("/console/centres/new", name=centre.name, contact="")
    assert taken.status_code == 422
    assert "同名" in taken.text
    assert admin.post(page, name=" ", contact="x").status_code == 422
    admin.submit("/console/centres/new", name="北海学习中心", contact="")
    assert "北海学习中心 未填写 0 人" in admin.read("/console/centres").text


@one_engine
@pytest.mark.parametrize("path", ["codes", "batches", "centres", "codes/new", "centres/new"])
def test_settings_belong_to_administrators(reviewer: Desk, path: str) -> None:
    assert reviewer.get(f"/console/{path}").status_code == 403


@one_engine
@pytest.mark.parametrize("path", ["codes", "batches", "centres"])
def test_what_is_not_there_is_not_found(admin: Desk, path: str) -> None:
    assert admin.read(f"/console/{path}/{uuid.uuid4()}", 404).title


def test_the_instruction_follows_the_order_of_the_code() -> None:
    def order(**code: object) -> list[str]:
        return [step.picture for step in list_steps(FeatureCode(**code))]

    check_first = order(fee_fen=2000, pay_first=False)
    assert check_first.index("verdict") < check_first.index("pay") < check_first.index("status")
    pay_first = order(fee_fen=2000, pay_first=True)
    assert pay_first.index("identity") < pay_first.index("pay") < pay_first.index("capture")
    assert "pay" not in order(fee_fen=0, pay_first=False)
