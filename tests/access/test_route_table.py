"""Nobody gets what the table does not grant: every route, every kind of person, real requests."""

from __future__ import annotations

import io
import re
import uuid

import pytest
from flask import Flask
from werkzeug.test import TestResponse

from models import Role
from server.console.access import ANYONE, declared_roles
from tests.access.routes import API, CONSOLE, EVERYBODY, OPEN, Call, Row
from tests.busy import Busy, personal_texts
from tests.cast import STUDENTS
from tests.desk import Desk, sign_in
from tests.page import csrf_of

ROLES = ("admin", "reviewer", "centre1", "finance", "auditor")
OUTSIDERS = tuple(f"other-{role.value}" for role in Role)
WITHOUT_BODY = {"GET"}


@pytest.fixture
def desks(busy: Busy) -> dict[str, Desk]:
    return {name: sign_in(busy.app, name) for name in (*ROLES, *OUTSIDERS, "centre2")}


def role_of(username: str) -> str:
    return {"centre1": "centre", "centre2": "centre"}.get(
        username, username.rsplit("-", maxsplit=1)[-1]
    )


def list_routes(app: Flask) -> set[str]:
    return {
        f"{method} {rule.rule}"
        for rule in app.url_map.iter_rules()
        for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}
    }


def fill_path(route: str, thing: str) -> tuple[str, str]:
    """Return method and path; without a thing any id will do."""
    method, rule = route.split(" ", 1)
    values = {"resolution": "dismiss", "day": "2026-09-30"}

    def fill(found: re.Match[str]) -> str:
        return values.get(found.group(1)) or thing or str(uuid.UUID(int=7))

    return method, re.sub(r"<(?:\w+:)?(\w+)>", fill, rule)


def find_leaks(answer: TestResponse) -> list[str]:
    return [text for text in personal_texts() if text.encode() in answer.data]


def is_refusal(answer: TestResponse) -> bool:
    return answer.status_code in {401, 403, 404} or "/console/sign-in" in (answer.location or "")


def test_every_route_stands_in_the_table_and_no_other(busy: Busy) -> None:
    app = busy.app
    known = set(CONSOLE) | set(API) | set(OPEN)
    assert list_routes(app) - known == set(), "new routes: say in tests/access/routes.py who may"
    assert known - list_routes(app) == set(), "routes that are gone"


OWN_ACCOUNT = ("/console/account/", "/console/confirm", "/console/sign-out", "/console/<path:")


def test_auditor_only_reads() -> None:
    """What that role may post concerns its own account alone."""
    acts = [
        route
        for route, row in CONSOLE.items()
        if "auditor" in row.may.split() and not route.startswith("GET ")
    ]
    assert [one for one in acts if not one.split(" ", 1)[1].startswith(OWN_ACCOUNT)] == []


def test_console_declares_the_roles_of_the_table(busy: Busy) -> None:
    """The declaration also decides which links a role is shown."""
    differing = []
    with busy.app.app_context():
        for rule in busy.app.url_map.iter_rules():
            for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}:
                row = CONSOLE.get(f"{method} {rule.rule}")
                if not rule.endpoint.startswith("console."):
                    continue
                declared = declared_roles(rule.endpoint)
                expected = frozenset(Role(name) for name in row.may.split()) if row else ANYONE
                if declared != expected:
                    differing.append(f"{method} {rule.rule}: {declared}")
    assert differing == []


def send(desk: Desk, row: Row, route: str, busy: Busy) -> TestResponse:
    method, path = fill_path(route, busy.things.get(row.thing, row.thing))
    form = {}
    if method not in WITHOUT_BODY:
        form = {"csrf_token": busy.things[f"csrf {desk.username}"], **row.form}
    return desk.client.open(path, method=method, data=form or None, buffered=True)


def remember_tokens(busy: Busy, desks: dict[str, Desk]) -> None:
    for name, desk in desks.items():
        busy.things[f"csrf {name}"] = csrf_of(desk.get("/console/account").text)


def judge(row: Row, route: str, username: str, answer: TestResponse) -> str | None:
    """Return what is wrong with the answer that one account got."""
    role = role_of(username)
    is_outside = username in OUTSIDERS or (username == "centre2" and row.of_centres)
    expected = 0
    if role not in row.may.split():
        expected = 403
    elif (row.thing and is_outside) or (row.owner and username != row.owner):
        expected = 404
    elif row.answer:
        expected = row.answer
    if expected and answer.status_code != expected:
        return f"must get {expected}"
    if answer.status_code >= 500 and not (row.asks_wechat and answer.status_code == 503):
        return "fails"
    if username in OUTSIDERS and find_leaks(answer):
        return f"shows {len(find_leaks(answer))} persons of another college"
    is_refused = is_refusal(answer) and not row.ends_session
    return "must get in" if is_refused and not expected else None


def test_each_role_gets_in_where_the_table_says_and_nowhere_else(
    busy: Busy, desks: dict[str, Desk]
) -> None:
    """Refusals first: they must change nothing for those who may."""
    remember_tokens(busy, desks)
    # whatever is decided about photos on the way may end the reference
    order = sorted(
        CONSOLE,
        key=lambda route: (CONSOLE[route].ends_session, CONSOLE[route].thing != "reference"),
    )
    names = (*OUTSIDERS, "centre2", "auditor", "finance", "centre1", "reviewer", "admin")
    faults = []
    for route in order:
        row = CONSOLE[route]
        for name in names:
            answer = send(desks[name], row, route, busy)
            fault = judge(row, route, name, answer)
            if fault:
                faults.append(f"{route} as {name}: {answer.status_code}, {fault}")
    assert not faults, "\n".join(faults)


def test_anonymous_and_students_are_sent_to_sign_in_everywhere_in_the_console(
    busy: Busy,
) -> None:
    faults = []
    token = busy.phones[0].token
    for name, headers in {
        "anonymous": {},
        "student": {"Authorization": f"Bearer {token}", "Cookie": f"caiji_staff={token}"},
    }.items():
        client = busy.app.test_client(use_cookies=False)
        for route, row in CONSOLE.items():
            method, path = fill_path(route, busy.things.get(row.thing, ""))
            answer = client.open(path, method=method, headers=headers, buffered=True)
            is_sent = (
                answer.status_code == 302
                and (answer.location or "").split("?")[0] == "/console/sign-in"
            )
            is_without_token = method not in WITHOUT_BODY and answer.status_code == 400
            if not (is_sent or is_without_token) or find_leaks(answer):
                faults.append(f"{route} as {name}: {answer.status_code}")
    assert not faults, "\n".join(faults)


def test_form_without_its_token_changes_nothing(busy: Busy, desks: dict[str, Desk]) -> None:
    faults = []
    for route, row in CONSOLE.items():
        method, path = fill_path(route, busy.things.get(row.thing, ""))
        if method in WITHOUT_BODY:
            continue
        answer = desks["admin"].client.open(path, method=method, buffered=True)
        if answer.status_code not in {400, 403}:
            faults.append(f"{route}: {answer.status_code}")
    assert not faults, "\n".join(faults)


def ask(busy: Busy, route: str, call: Call, headers: dict[str, str]) -> TestResponse:
    method, path = fill_path(route, busy.things.get(call.thing, ""))
    path = path.replace(str(uuid.UUID(int=7)), "y0814v")
    client = busy.app.test_client()
    if path.endswith("/photos") and method == "POST":
        data = {"photo": (io.BytesIO(b"\xff\xd8\xff new"), "a.jpg")}
        answer = client.post(path, data=data, headers=headers, buffered=True)
        answer.request.environ["wsgi.input"].close()
        return answer
    return client.open(path, method=method, json=call.body, headers=headers, buffered=True)


def test_api_gives_own_things_only_and_nothing_without_a_token(
    busy: Busy, desks: dict[str, Desk]
) -> None:
    """Alice owns the things; Bob (another student), staff and strangers get nothing."""
    cookie = desks["admin"].client.get_cookie("caiji_staff", path="/console")
    assert cookie is not None
    people = {
        "anonymous": {},
        "forged": {"Authorization": "Bearer " + "x" * 43},
        "staff": {
            "Cookie": f"caiji_staff={cookie.value}",
            "Authorization": f"Bearer {cookie.value}",
        },
        "bob": {"Authorization": f"Bearer {busy.phones[1].token}"},
        "alice": {"Authorization": f"Bearer {busy.phones[0].token}"},
    }
    faults = []
    for route, call in API.items():
        for name, headers in people.items():
            answer = ask(busy, route, call, headers)
            has_token = name in {"alice", "bob"}
            if call.is_open:
                is_right = answer.status_code == 200
            elif not has_token:
                is_right = answer.status_code == 401
            elif name == "bob" and call.thing:
                is_right = answer.status_code == 404
            else:
                is_right = answer.status_code not in {401, 403, 404} and answer.status_code < 500
                is_right |= answer.status_code == 503 and route.endswith("/order")
            code = answer.json["code"] if answer.is_json else 0
            if not is_right or (answer.status_code >= 400 and not isinstance(code, str)):
                faults.append(f"{route} as {name}: {answer.status_code} {code}")
            if name != "alice" and find_leaks(answer):
                faults.append(f"{route} as {name} shows a person")
    assert not faults, "\n".join(faults)


def test_open_routes_answer_strangers_as_the_table_says(busy: Busy) -> None:
    client = busy.app.test_client()
    faults = []
    for route, status in OPEN.items():
        method, path = fill_path(route, "nothing-here")
        answer = client.open(path, method=method, buffered=True)
        if answer.status_code != status or find_leaks(answer):
            faults.append(f"{route}: {answer.status_code}")
        can_run_scripts = "'nonce-" in answer.headers["Content-Security-Policy"]
        if can_run_scripts != (answer.mimetype == "text/html"):
            faults.append(f"{route}: scripts of a {answer.mimetype}")
    assert not faults, "\n".join(faults)


def test_centre_sees_only_its_own_students(busy: Busy, desks: dict[str, Desk]) -> None:
    """No list, count or export of a centre names a student of another one."""
    foreign = [s.student_no for place, s in enumerate(STUDENTS) if place % 3 != 0]
    for path in ("/console/students", "/console/missing", "/console/missing.csv"):
        text = desks["centre1"].get(path).text
        assert STUDENTS[0].student_no in text or path != "/console/students"
        assert [number for number in foreign if number in text] == []
    assert EVERYBODY.split() == [role.value for role in Role]
