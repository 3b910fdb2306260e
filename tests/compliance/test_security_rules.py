"""What an institution asks of passwords, sessions and addresses is enforced by the server."""

from __future__ import annotations

import re
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select
from werkzeug.test import TestResponse

from models import AuditEntry, Institution, Role, SecurityPolicy
from server.context import Context
from server.demo import INSTITUTION
from server.gateways.clock import SettableClock
from server.security.passwords import hash_password
from server.services.staff.create import add_staff
from server.services.staff.policy import open_console
from tests.college import found_other_college
from tests.desk import DEMO_PASSWORD, Desk, sign_in
from tests.page import csrf_of

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
PAGE = "/console/security"
PASSWORD_PAGE = "/console/account/password"
FORM = {
    "password_min_length": "10",
    "password_kinds": "1",
    "password_max_age_days": "0",
    "password_history": "0",
    "idle_minutes": "60",
    "absolute_hours": "12",
    "stale_after_days": "90",
    "console_networks": "",
}
HERE = "127.0.0.0/8"


def set_rules(desk: Desk, **rules: str) -> None:
    desk.submit(PAGE, **{**FORM, **rules}, confirmed="yes")


def change(desk: Desk, current: str, new: str) -> TestResponse:
    token = csrf_of(desk.get(PASSWORD_PAGE).text)
    form = {"csrf_token": token, "current": current, "new": new, "again": new}
    return desk.client.post(PASSWORD_PAGE, data=form)


def clock_of(ctx: Context) -> SettableClock:
    assert isinstance(ctx.clock, SettableClock)
    return ctx.clock


def get_from(client: FlaskClient, address: str, path: str = "/console/sign-in") -> TestResponse:
    return client.get(path, environ_base={"REMOTE_ADDR": address})


def test_session_that_must_change_its_password_gets_403_everywhere_else(
    app: Flask, demo: Context
) -> None:
    password = add_staff(demo, username="newcomer", role=Role.ADMIN, institution=INSTITUTION)
    desk = sign_in(app, "newcomer", password)
    with app.test_request_context():
        pages = [
            rule.rule
            for rule in app.url_map.iter_rules()
            if rule.endpoint.startswith("console.")
            and "GET" in (rule.methods or set())
            and not rule.arguments
            and "sign-in" not in rule.rule
        ]
    opened = {page for page in pages if desk.get(page).status_code != 403}
    assert len(pages) > 30
    assert opened == {PASSWORD_PAGE}
    token = csrf_of(desk.get(PASSWORD_PAGE).text)
    for page in ("/console/staff", "/console/security", "/console/institution"):
        assert desk.client.post(page, data={"csrf_token": token}).status_code == 403
    assert change(desk, password, "a much longer one").status_code == 302
    assert desk.get("/console/review").status_code == 200


@pytest.mark.parametrize(
    ("rules", "wrong", "right"),
    [
        ({"password_min_length": "16"}, "plain-words-15a", "plain-words-are-16"),
        ({"password_kinds": "3"}, "plain-words-only", "Plain-words-only"),
        ({"password_history": "2"}, DEMO_PASSWORD, "words-that-are-new"),
    ],
)
def test_each_rule_of_the_institution_refuses_a_password(
    app: Flask, rules: dict[str, str], wrong: str, right: str
) -> None:
    set_rules(sign_in(app, "admin"), **rules)
    desk = sign_in(app, "reviewer")
    assert change(desk, DEMO_PASSWORD, "Other-words-here-1").status_code == 302
    refused = change(desk, "Other-words-here-1", wrong)
    assert refused.status_code == 422
    assert "新密码不符合要求" in refused.text
    assert change(desk, "Other-words-here-1", right).status_code == 302


def test_old_password_must_be_changed_before_anything_else(app: Flask, demo: Context) -> None:
    set_rules(sign_in(app, "admin"), password_max_age_days="90")
    clock_of(demo).advance(days=89)
    assert sign_in(app, "reviewer").get("/console/review").status_code == 200
    clock_of(demo).advance(days=1)
    desk = sign_in(app, "reviewer")
    assert desk.get("/console/review").status_code == 403
    assert change(desk, DEMO_PASSWORD, "words-that-are-new").status_code == 302
    assert desk.get("/console/review").status_code == 200


@pytest.mark.parametrize(
    ("rules", "rests"), [({"idle_minutes": "15"}, 0), ({"absolute_hours": "1"}, 4)]
)
def test_session_ends_when_the_institution_says(
    app: Flask, demo: Context, rules: dict[str, str], rests: int
) -> None:
    set_rules(sign_in(app, "admin"), **rules)
    desk = sign_in(app, "reviewer")
    for _ in range(rests):
        clock_of(demo).advance(minutes=11)
        assert desk.get("/console/account").status_code == 200
    clock_of(demo).advance(minutes=16)
    assert desk.get("/console/account").status_code == 302


def test_second_factor_is_asked_of_the_named_roles_only(app: Flask) -> None:
    desk = sign_in(app, "reviewer")
    assert desk.get("/console/review").status_code == 200
    set_rules(sign_in(app, "admin"), totp_reviewer="yes")
    assert desk.get("/console/review").status_code == 403
    assert desk.get("/console/account/second-factor").status_code == 200
    assert sign_in(app, "finance").get("/console/payments").status_code == 200
    refused = desk.client.post(
        "/console/account/second-factor/off",
        data={"csrf_token": csrf_of(desk.get("/console/account/second-factor").text)},
    )
    assert refused.status_code == 403


def test_another_address_gets_403_before_the_password(app: Flask, admin: Desk) -> None:
    stranger = app.test_client()
    assert get_from(stranger, "203.0.113.9").status_code == 200
    set_rules(admin, console_networks=f"{HERE}\n10.1.0.0/16")
    shut = get_from(stranger, "203.0.113.9")
    assert shut.status_code == 403
    assert "password" not in shut.text
    assert get_from(stranger, "10.1.2.3").status_code == 200
    assert get_from(stranger, "10.2.0.1").status_code == 403
    form = {"username": "admin", "password": DEMO_PASSWORD}
    posted = stranger.post(
        "/console/sign-in", data=form, environ_base={"REMOTE_ADDR": "203.0.113.9"}
    )
    assert posted.status_code in {400, 403}
    assert get_from(admin.client, "203.0.113.9", "/console/account").status_code == 403
    assert get_from(stranger, "203.0.113.9", "/status").status_code == 200


def test_list_of_one_college_does_not_shut_out_another(
    app: Flask, admin: Desk, demo: Context
) -> None:
    found_other_college(demo)
    other = sign_in(app, "other-admin")
    set_rules(admin, console_networks=HERE)
    far = "203.0.113.9"
    assert get_from(app.test_client(), far).status_code == 200
    assert get_from(other.client, far, "/console/account").status_code == 200
    assert get_from(admin.client, far, "/console/account").status_code == 403
    client = app.test_client()
    token = csrf_of(get_from(client, far).text)
    form = {"csrf_token": token, "username": "admin", "password": DEMO_PASSWORD}
    answer = client.post("/console/sign-in", data=form, environ_base={"REMOTE_ADDR": far})
    assert answer.status_code == 401


@pytest.mark.parametrize(
    ("networks", "word"), [("10.1.0.0/16", "你自己也进不来"), ("here", "不是地址或网段")]
)
def test_list_that_shuts_out_its_author_is_refused(
    admin: Desk, demo: Context, networks: str, word: str
) -> None:
    answer = admin.post(PAGE, **{**FORM, "console_networks": networks}, confirmed="yes")
    assert answer.status_code == 422
    assert word in answer.text
    with demo.db.read() as session:
        assert session.scalars(select(SecurityPolicy)).all() == []


def test_operator_opens_a_console_that_shut_itself_out(
    app: Flask, admin: Desk, demo: Context
) -> None:
    set_rules(admin, console_networks=HERE)
    assert get_from(app.test_client(), "203.0.113.9").status_code == 403
    assert open_console(demo, INSTITUTION) == 1
    assert get_from(app.test_client(), "203.0.113.9").status_code == 200


def test_rules_ask_first_and_are_logged_with_both_values(
    admin: Desk, demo: Context, institution: Institution
) -> None:
    asked = admin.post(PAGE, **{**FORM, "password_max_age_days": "90"})
    assert "修改安全规则" in asked.text
    set_rules(admin, password_max_age_days="90")
    with demo.db.read() as session:
        query = select(AuditEntry).where(AuditEntry.action == "security.change")
        (entry,) = session.scalars(query).all()
    detail: dict[str, Any] = entry.detail
    assert detail == {"password_max_age_days": {"old": 0, "new": 90}}
    wrong = admin.post(PAGE, **{**FORM, "idle_minutes": "4"}, confirmed="yes")
    assert re.findall(r'id="e-(\w+)"', wrong.text) == ["idle_minutes"]


def test_account_that_nobody_uses_is_reported(app: Flask, demo: Context) -> None:
    clock_of(demo).advance(days=89)
    sign_in(app, "finance")
    clock_of(demo).advance(days=1)
    page = sign_in(app, "admin").read("/console/staff").text
    assert "2 个账号超过 90 天没有登录" in page
    assert page.count("长期未登录") == 2


def test_auditor_starts_at_the_log_and_sees_no_form_that_changes(app: Flask, demo: Context) -> None:
    password = add_staff(demo, username="auditor", role=Role.AUDITOR, institution=INSTITUTION)
    desk = sign_in(app, "auditor", password)
    assert change(desk, password, "words-of-an-auditor").status_code == 302
    assert desk.get("/console/").headers["Location"] == "/console/audit"
    for page in ("audit", "assessments", "security", "staff", "exports"):
        text = desk.get(f"/console/{page}").text
        acts = re.findall(r'method="post"[^>]*action="([^"]+)"', text)
        assert set(acts) <= {"/console/sign-out", PAGE}, page
    assert "<fieldset disabled>" in desk.get(PAGE).text


def test_who_comes_back_to_an_ended_session_is_told_and_returns(app: Flask, demo: Context) -> None:
    set_rules(sign_in(app, "admin"), idle_minutes="15")
    desk = sign_in(app, "admin")
    clock_of(demo).advance(minutes=16)
    assert "登录已结束" in read_door(desk.client.get("/console/students?text=2020"), desk)
    assert enter(desk, "admin") == "/console/students?text=2020"
    clock_of(demo).advance(minutes=16)
    answer = desk.client.post(
        "/console/institution",
        data={"csrf_token": token_of(desk), "contact_name": "教务处"},
        headers={"Referer": "http://localhost/console/institution"},
    )
    assert "没有保存" in read_door(answer, desk)
    assert enter(desk, "admin") == "/console/institution"
    stranger = app.test_client()
    assert "登录已结束" not in stranger.get("/console/students", follow_redirects=True).text


def read_door(answer: TestResponse, desk: Desk) -> str:
    """Where an answer leads: the page that asks for the password."""
    assert answer.status_code == 302
    return desk.client.get(answer.headers["Location"]).text


def token_of(desk: Desk) -> str:
    return csrf_of(desk.client.get("/console/sign-in").text)


def enter(desk: Desk, username: str) -> str:
    form = {"csrf_token": token_of(desk), "username": username, "password": DEMO_PASSWORD}
    return desk.client.post("/console/sign-in", data=form).headers["Location"]


def test_who_is_shut_out_reads_the_address_to_ask_for(app: Flask, admin: Desk) -> None:
    """No link that leads back here: what helps is to tell the college this address."""
    set_rules(admin, console_networks=HERE)
    page = get_from(app.test_client(), "203.0.113.9").text
    assert "203.0.113.9" in page
    assert "/console/sign-in" not in page


def test_new_password_leads_to_the_second_factor_where_it_is_due(app: Flask, demo: Context) -> None:
    set_rules(sign_in(app, "admin"), totp_reviewer="yes")
    password = add_staff(demo, username="newcomer", role=Role.REVIEWER, institution=INSTITUTION)
    desk = sign_in(app, "newcomer", password)
    answer = change(desk, password, "words-that-are-new")
    assert answer.headers["Location"] == "/console/account/second-factor"
    assert desk.get(answer.headers["Location"]).status_code == 200


def test_auditor_reads_that_nothing_was_exported_yet(app: Flask, demo: Context) -> None:
    add_staff(
        demo,
        username="auditor",
        role=Role.AUDITOR,
        institution=INSTITUTION,
        password_hash=hash_password(DEMO_PASSWORD),
    )
    assert "还没有导出过" in sign_in(app, "auditor").read("/console/exports").text
