"""The console: a notice written and published, and rights of those who come in person."""

from __future__ import annotations

import io
import re
import zipfile

import pytest
from flask import Flask
from sqlalchemy import select

from models import AuditEntry, ConsentRecord, ConsentText, GuardianConsent, Institution
from server.context import Context
from server.gateways.clock import SettableClock
from tests.cast import STUDENTS, Phone
from tests.desk import Desk, sign_in
from tests.notices import assess, find_college, read_present

SEEN = "身份证原件"


@pytest.fixture(autouse=True)
def later(demo: Context) -> None:
    assert isinstance(demo.clock, SettableClock)
    demo.clock.advance(minutes=1)


def read_form(page: str) -> dict[str, str]:
    """What the notice's form holds now."""
    fields = dict(re.findall(r'<textarea[^>]* name="(\w+)"[^>]*>([^<]*)</textarea>', page))
    for tag in re.findall(r"<input[^>]*>", page):
        name, value = re.search(r'name="([^"]+)"', tag), re.search(r'value="([^"]*)"', tag)
        is_off = 'type="checkbox"' in tag and "checked" not in tag
        if name and value and not is_off and name.group(1) != "csrf_token":
            fields[name.group(1)] = value.group(1)
    return fields


def test_notice_is_written_bit_by_bit_and_published_for_good(desk: Desk, demo: Context) -> None:
    form = read_form(desk.get("/console/notice").text)
    college = find_college(demo)
    desk.submit("/console/notice", **{**form, "rights": "", "act": "draft"})
    page = desk.read("/console/notice").text
    assert "还缺：本人的权利" in page
    refused = desk.post("/console/notice", **{**form, "rights": "", "act": "words"})
    assert refused.status_code == 422
    assert "本人的权利" in refused.text
    assert read_present(demo).rights
    desk.submit("/console/notice", **{**form, "rights": "新的说法，意思一样", "act": "words"})
    with demo.db.read() as session:
        versions = session.scalars(
            select(ConsentText.version).where(ConsentText.institution_id == college)
        ).all()
        assert session.get_one(Institution, college).notice_draft is None
    assert sorted(versions) == ["2026-11", "2026-11.1"]
    assert read_present(demo).rights == "新的说法，意思一样"


def test_a_new_receiver_needs_an_assessment_and_asks_before_it_binds(
    desk: Desk, demo: Context
) -> None:
    form = read_form(desk.get("/console/notice").text)
    own = {f"own0_{part}": "社保局" for part in ("title", "name", "contact", "purpose", "fields")}
    form |= {**own, "own0_key": "social-security", "own0_period": "一年", "act": "meaning"}
    asked = desk.post("/console/notice", **form)
    assert asked.status_code == 200
    assert "重新同意" in asked.text
    refused = desk.post("/console/notice", **form, confirmed="yes")
    assert refused.status_code == 409
    assert "影响评估" in refused.text
    assess(demo, "社保局")
    desk.submit("/console/notice", **form, confirmed="yes")
    assert read_present(demo).find_receiver("social-security") is not None


def rights(phone: Phone) -> str:
    return f"/console/students/{phone.bound()}/rights"


def test_who_comes_in_person_is_seen_first_and_every_act_is_in_the_log(
    alice: Phone, desk: Desk, demo: Context
) -> None:
    path = rights(alice)
    give = {"act": "give", "consent_kind": "degree"}
    assert desk.post(path, **give).status_code == 422
    desk.submit(path, **give, identity_seen=SEEN)
    assert "已同意" in desk.read(path).text
    withdraw = {"act": "withdraw", "consent_kind": "degree", "identity_seen": SEEN}
    assert "已登记撤回" in desk.read(desk.submit(path, **withdraw)).text
    again = desk.read(desk.submit(path, **withdraw)).text
    assert "没有变化：没有可以撤回的同意" in again
    assert "已登记撤回" not in again
    with demo.db.read() as session:
        records = session.scalars(
            select(ConsentRecord).where(ConsentRecord.kind == "degree").order_by(ConsentRecord.id)
        ).all()
        entries = session.scalars(
            select(AuditEntry).where(AuditEntry.action == "consent.in_person")
        ).all()
    assert [(each.is_given, each.given_by) for each in records] == [
        (True, "staff"),
        (False, "staff"),
    ]
    assert [entry.detail["identity_seen"] for entry in entries] == [SEEN, SEEN]


def test_copy_and_requests_in_person(alice: Phone, desk: Desk, demo: Context) -> None:
    path = rights(alice)
    answer = desk.post(path, act="copy", identity_seen=SEEN)
    archive = zipfile.ZipFile(io.BytesIO(answer.data))
    assert STUDENTS[0].student_no in archive.read("全部信息.json").decode()
    answer.close()
    request = {"act": "request", "request_kind": "correction", "wish": "专业有误"}
    desk.submit(path, **request, identity_seen=SEEN)
    assert "本人到场" in desk.read("/console/requests").text
    (mine,) = alice.call("GET", "/me/requests").json["data"]["items"]
    assert mine["text"] == "专业有误"
    with demo.db.read() as session:
        actions = session.scalars(select(AuditEntry.action)).all()
    assert {"copy.in_person", "request.in_person"} <= set(actions)


def test_a_guardians_sheet_is_noted(alice: Phone, desk: Desk, demo: Context) -> None:
    path = rights(alice)
    sheet = {"act": "guardian", "guardian_name": "林芳", "guardian_relation": "母亲"}
    desk.submit(path, **sheet, identity_seen=SEEN)
    with demo.db.read() as session:
        row = session.scalars(select(GuardianConsent)).one()
    assert (row.way, row.relation) == ("paper", "母亲")


@pytest.mark.parametrize("username", ["reviewer", "finance"])
def test_others_see_neither(app: Flask, alice: Phone, username: str) -> None:
    path = rights(alice)
    for page in (path, "/console/notice", "/console/requests"):
        assert sign_in(app, username).get(page).status_code == 403
