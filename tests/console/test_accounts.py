"""Signing in, sessions, passwords, the second factor, and the accounts of an institution."""

from __future__ import annotations

import re
import time
from concurrent.futures import ThreadPoolExecutor

import pyotp
import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select
from werkzeug.test import TestResponse

from models import AuditEntry, LearningCentre, Role, Staff, StaffCentre
from server.context import Context
from server.demo import CENTRES, INSTITUTION
from server.services.college.merge_centres import merge_centre
from server.services.overview.list_students import StudentFilter, stream_students
from server.services.staff.create import add_staff
from tests.college import view_as
from tests.desk import DEMO_PASSWORD, Desk, sign_in
from tests.page import csrf_of, read_page

one_engine = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
pytestmark = one_engine


def try_to_sign_in(client: FlaskClient, username: str, password: str) -> TestResponse:
    token = csrf_of(client.get("/console/sign-in").text)
    form = {"username": username, "password": password, "csrf_token": token}
    return client.post("/console/sign-in", data=form)


def is_in(desk: Desk) -> bool:
    return desk.get("/console/account").status_code == 200


def test_wrong_password_unknown_name_and_disabled_account_get_one_answer(
    app: Flask, demo: Context
) -> None:
    with demo.db.write() as session:
        account = session.scalars(select(Staff).where(Staff.username == "finance")).one()
        account.disabled_at = demo.now()
    answers = [
        try_to_sign_in(app.test_client(), *pair)
        for pair in (("admin", "wrong"), ("nobody", "wrong"), ("finance", DEMO_PASSWORD))
    ]
    assert {answer.status_code for answer in answers} == {401}
    assert len({read_page(answer).error for answer in answers}) == 1


def test_guessing_is_throttled_and_the_right_password_waits_too(client: FlaskClient) -> None:
    statuses = [try_to_sign_in(client, "admin", f"guess-{n}").status_code for n in range(10)]
    assert statuses == [401] * 8 + [429] * 2
    answer = try_to_sign_in(client, "admin", DEMO_PASSWORD)
    assert answer.status_code == 429
    assert int(answer.headers["Retry-After"]) > 0
    assert read_page(answer).title


def test_sign_in_form_needs_its_token(client: FlaskClient) -> None:
    answer = client.post("/console/sign-in", data={"username": "admin", "password": DEMO_PASSWORD})
    assert answer.status_code == 400
    assert "caiji_staff" not in str(answer.headers.getlist("Set-Cookie"))


@pytest.mark.parametrize("path", ["", "/", "/students", "/nowhere", "/a/b/c"])
def test_stranger_is_sent_to_sign_in_and_then_where_he_wanted_to_go(
    client: FlaskClient, path: str
) -> None:
    answer = client.get(f"/console{path}")
    assert answer.status_code == 302
    assert answer.headers["Location"] == "/console/sign-in"
    after = try_to_sign_in(client, "admin", DEMO_PASSWORD).headers["Location"]
    assert after == f"/console{path}" or (path == "" and after == "/console/")


def test_cookie_is_kept_from_scripts_and_other_sites(client: FlaskClient) -> None:
    cookies = try_to_sign_in(client, "admin", DEMO_PASSWORD).headers.getlist("Set-Cookie")
    (cookie,) = [each for each in cookies if each.startswith("caiji_staff=")]
    assert "HttpOnly" in cookie
    assert "SameSite=Lax" in cookie
    assert "Path=/console" in cookie


def test_signing_out_ends_the_session_on_the_server(app: Flask) -> None:
    desk = sign_in(app, "reviewer")
    stolen = app.test_client()
    cookie = desk.client.get_cookie("caiji_staff", path="/console")
    assert cookie is not None
    stolen.set_cookie("caiji_staff", cookie.value, path="/console")
    assert stolen.get("/console/account").status_code == 200
    desk.submit("/console/sign-out")
    assert stolen.get("/console/account").status_code == 302


@pytest.mark.parametrize(("hours", "rests"), [(1.01, 1), (12.1, 25)])
def test_session_ends_when_idle_and_at_the_end_of_the_day(
    app: Flask, demo: Context, hours: float, rests: int
) -> None:
    desk = sign_in(app, "reviewer")
    for _ in range(rests):
        assert is_in(desk)
        demo.clock.advance(hours=hours / rests)  # type: ignore[attr-defined]
    assert not is_in(desk)


def test_one_time_password_opens_the_password_page_only(app: Flask, demo: Context) -> None:
    password = add_staff(demo, username="newcomer", role=Role.REVIEWER, institution=INSTITUTION)
    desk = sign_in(app, "newcomer", password)
    page = "/console/account/password"
    refused = desk.get("/console/review")
    assert refused.status_code == 403
    assert f'href="{page}"' in refused.text
    token = csrf_of(desk.get(page).text)

    def change(new: str, again: str) -> TestResponse:
        form = {"csrf_token": token, "current": password, "new": new, "again": again}
        return desk.client.post(page, data=form)

    assert change("short", "short").status_code == 422
    assert change("a much longer one", "another one").status_code == 422
    assert change("a much longer one", "a much longer one").status_code == 302
    assert desk.get("/console/review").status_code == 200
    sign_in(app, "newcomer", "a much longer one")


def test_new_password_ends_every_other_session(app: Flask) -> None:
    here, there = sign_in(app, "reviewer"), sign_in(app, "reviewer")
    here.submit(
        "/console/account/password",
        current=DEMO_PASSWORD,
        new="new-password-1",
        again="new-password-1",
    )
    assert is_in(here)
    assert not is_in(there)


def test_other_device_is_signed_out_from_the_account_page(app: Flask) -> None:
    here, there = sign_in(app, "reviewer"), sign_in(app, "reviewer")
    (end,) = re.findall(
        r'action="(/console/account/sessions/[^"]+/end)"', here.get("/console/account").text
    )
    here.submit(end)
    assert is_in(here)
    assert not is_in(there)


def turn_on_second_factor(desk: Desk, demo: Context) -> tuple[pyotp.TOTP, list[str]]:
    page = desk.read("/console/account/second-factor")
    found = re.search(r"\b([A-Z2-7]{32})\b", page.html.replace(" ", ""))
    assert found, page.text
    totp = pyotp.TOTP(found.group(1))
    assert desk.post("/console/account/second-factor", code="000000").status_code == 422
    shown = desk.post("/console/account/second-factor", code=totp.at(demo.now()))
    codes = re.findall(r"<li>\s*<code>([^<]+)</code>|<li[^>]*>([0-9a-z-]{8,})</li>", shown.text)
    return totp, [first or second for first, second in codes]


def test_second_factor_asks_for_a_code_that_counts_once(app: Flask, demo: Context) -> None:
    totp, recovery = turn_on_second_factor(sign_in(app, "reviewer"), demo)
    assert len(recovery) >= 8
    demo.clock.advance(seconds=60)  # type: ignore[attr-defined]

    def enter(code: str) -> int:
        client = app.test_client()
        step = try_to_sign_in(client, "reviewer", DEMO_PASSWORD)
        assert step.headers["Location"] == "/console/sign-in/code"
        assert client.get("/console/account").status_code == 302
        token = csrf_of(client.get("/console/sign-in/code").text)
        form = {"csrf_token": token, "code": code}
        return client.post("/console/sign-in/code", data=form).status_code

    code = totp.at(demo.now())
    assert enter("123456") == 401
    assert enter(code) == 302
    assert enter(code) == 401
    assert enter(recovery[0]) == 302
    assert enter(recovery[0]) == 401


def test_picture_of_a_second_factor_that_is_not_set_up_leads_to_its_page(app: Flask) -> None:
    answer = sign_in(app, "admin").get("/console/account/second-factor.svg")
    assert (answer.status_code, answer.location) == (302, "/console/account/second-factor")


def test_second_step_without_the_first_leads_nowhere(client: FlaskClient) -> None:
    assert client.get("/console/sign-in/code").headers["Location"] == "/console/sign-in"


def test_account_is_created_disabled_and_enabled_with_a_trace(app: Flask, demo: Context) -> None:
    admin = sign_in(app, "admin")
    made = admin.post("/console/staff", username="lee", role="reviewer", centre="")
    password = re.search(r"<code[^>]*>([A-Za-z0-9]{14})</code>", made.text)
    assert password, made.text
    assert admin.post("/console/staff", username="lee", role="reviewer").status_code == 409
    assert admin.post("/console/staff", username="x", role="reviewer").status_code == 422
    assert admin.post("/console/staff", username="centre9", role="centre").status_code == 422
    lee = sign_in(app, "lee", password.group(1))
    with demo.db.read() as session:
        staff_id = session.scalars(select(Staff.id).where(Staff.username == "lee")).one()
    asked = admin.post(f"/console/staff/{staff_id}/disable")
    assert "不能再登录" in asked.text
    admin.submit(f"/console/staff/{staff_id}/disable", confirmed="yes")
    assert lee.get("/console/account/password").headers["Location"] == "/console/sign-in?why=ended"
    admin.submit(f"/console/staff/{staff_id}/enable")
    with demo.db.read() as session:
        actions = session.scalars(select(AuditEntry.action).order_by(AuditEntry.at)).all()
        own_id = session.scalars(select(Staff.id).where(Staff.username == "admin")).one()
    assert {"staff.create", "staff.disable", "staff.enable"} <= set(actions)
    assert admin.post(f"/console/staff/{own_id}/disable").status_code in {403, 404, 409, 422}
    assert "新建账号" in admin.read("/console/audit").text


def test_dangerous_steps_ask_for_the_password_again(app: Flask, demo: Context) -> None:
    admin = sign_in(app, "admin")
    demo.clock.advance(minutes=11)  # type: ignore[attr-defined]
    new = {"username": "lee", "role": "reviewer"}
    asked = admin.post("/console/staff", **new).text
    assert "请再次输入密码" in asked
    assert 'name="username" value="lee"' in asked
    wrong = admin.post("/console/staff", **new, password="wrong")
    assert (wrong.status_code, 'value="lee"' in wrong.text) == (422, True)
    assert "lee" not in admin.read("/console/staff").text
    assert "一次性密码" in admin.post("/console/staff", **new, password=DEMO_PASSWORD).text
    assert "lee" in admin.read("/console/staff").text


def test_act_that_asks_twice_keeps_everything_but_the_password(app: Flask, demo: Context) -> None:
    """The password first, then what follows of it: half an hour of typing is lost by neither."""
    admin = sign_in(app, "admin")
    demo.clock.advance(minutes=11)  # type: ignore[attr-defined]
    rules = {
        "password_min_length": "12",
        "password_kinds": "3",
        "password_max_age_days": "90",
        "password_history": "5",
        "idle_minutes": "30",
        "absolute_hours": "8",
        "stale_after_days": "90",
        "console_networks": "127.0.0.0/8",
    }
    asked = admin.post("/console/security", **rules, password=DEMO_PASSWORD).text
    assert "确认修改" in asked
    assert 'name="console_networks" value="127.0.0.0/8"' in asked
    assert DEMO_PASSWORD not in asked


def test_owner_in_a_browser_known_before_is_not_locked_out(app: Flask) -> None:
    desk = sign_in(app, "reviewer")
    desk.submit("/console/sign-out")
    owner = desk.client
    stranger = app.test_client()
    for _ in range(9):
        answer = try_to_sign_in(stranger, "reviewer", "wrong-password")
    assert answer.status_code == 429
    assert try_to_sign_in(owner, "reviewer", DEMO_PASSWORD).status_code == 302


@pytest.mark.engines
def test_many_guesses_at_once_are_no_more_guesses(app: Flask) -> None:
    clients = [app.test_client() for _ in range(12)]
    tokens = [csrf_of(client.get("/console/sign-in", buffered=True).text) for client in clients]

    def guess(client: FlaskClient, token: str) -> int:
        form = {"username": "reviewer", "password": "wrong-password", "csrf_token": token}
        # Beyond its lane a guess is not heard at all: it comes again.
        while True:
            answer = client.post("/console/sign-in", data=form, buffered=True)
            if answer.status_code != 503:
                return answer.status_code
            time.sleep(0.05)

    with ThreadPoolExecutor(12) as pool:
        answers = list(pool.map(guess, clients, tokens))
    assert sorted(answers) == [401] * 8 + [429] * 4


def test_changed_role_is_asked_about_audited_and_ends_sessions(app: Flask, demo: Context) -> None:
    admin, reviewer = sign_in(app, "admin"), sign_in(app, "reviewer")
    with demo.db.read() as session:
        account = session.scalars(select(Staff).where(Staff.username == "reviewer")).one()
        own = session.scalars(select(Staff).where(Staff.username == "admin")).one()
    path = f"/console/staff/{account.id}"
    named = {"display_name": " 王  芳 ", "role": "reviewer"}
    assert admin.submit(path, **named).endswith("/console/staff")
    assert is_in(reviewer)
    assert "王 芳（reviewer）" in admin.read("/console/audit").text
    wanted = {"display_name": "王芳", "role": "finance"}
    assert "确认修改" in admin.post(path, **wanted).text
    assert is_in(reviewer)
    admin.submit(path, **wanted, confirmed="yes")
    assert not is_in(reviewer)
    with demo.db.read() as session:
        assert session.get_one(Staff, account.id).role is Role.FINANCE
        entries = session.scalars(select(AuditEntry).where(AuditEntry.action == "staff.change"))
        told = [(one.detail["before"], one.detail["after"]) for one in entries]
    assert ("王 芳，审核员", "王芳，财务") in told
    assert admin.post(path, role="centre", confirmed="yes").status_code == 422
    assert admin.post(path, role="centre", centre="x", confirmed="yes").status_code == 422
    assert admin.post(f"/console/staff/{own.id}", role="finance").status_code == 409
    assert is_in(admin)


def find_centres(demo: Context) -> dict[str, LearningCentre]:
    with demo.db.read() as session:
        return {one.name: one for one in session.scalars(select(LearningCentre))}


def count_by_centre(demo: Context, username: str) -> dict[str, int]:
    """How many students of each centre an account sees."""
    seen: dict[str, int] = {}
    for row in stream_students(demo, view_as(demo, username), StudentFilter()):
        seen[row.centre] = seen.get(row.centre, 0) + 1
    return seen


def test_account_of_two_centres_sees_both_and_no_third(app: Flask, demo: Context) -> None:
    admin, centres = sign_in(app, "admin"), find_centres(demo)
    first, second, third = (str(centres[name].id) for name in CENTRES)
    made = admin.post(
        "/console/staff",
        username="both",
        role="centre",
        display_name="李静",
        centre=[first, second],
    )
    assert "一次性密码" in made.text
    assert count_by_centre(demo, "both") == {CENTRES[0]: 20, CENTRES[1]: 20}
    with demo.db.read() as session:
        staff_id = session.scalars(select(Staff.id).where(Staff.username == "both")).one()
    path = f"/console/staff/{staff_id}"
    assert admin.read(path).html.count("checked") == 2
    again = {"display_name": "李静", "role": "centre"}
    assert "确认修改" in admin.post(path, **again, centre=[second, third]).text
    admin.submit(path, **again, centre=[second, third], confirmed="yes")
    assert count_by_centre(demo, "both") == {CENTRES[1]: 20, CENTRES[2]: 20}
    assert admin.submit(path, **again, centre=[third, second]).endswith("/console/staff")
    merge_centre(demo, view_as(demo, "admin"), centres[CENTRES[1]].id, centres[CENTRES[2]].id)
    assert count_by_centre(demo, "both") == {CENTRES[2]: 40}
    with demo.db.read() as session:
        assert not session.scalars(select(StaffCentre)).all()


def test_centre_of_a_further_account_is_not_deleted_under_it(app: Flask, demo: Context) -> None:
    admin = sign_in(app, "admin")
    admin.post("/console/centres/new", name="新中心", contact="")
    fresh = find_centres(demo)["新中心"]
    other = find_centres(demo)[CENTRES[0]]
    admin.post(
        "/console/staff", username="both", role="centre", centre=[str(other.id), str(fresh.id)]
    )
    assert admin.post(f"/console/centres/{fresh.id}/delete", confirmed="yes").status_code == 409
    assert "新中心" in admin.read("/console/staff").text
