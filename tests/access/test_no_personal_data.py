"""After everything that people do, right and wrong, no log line and no error names a person.

The journey through real processes is judged in tests/system; here every route is used, and what
goes wrong carries personal data on purpose.
"""

from __future__ import annotations

import contextlib
import io
import json
import logging
from collections.abc import Iterator

import pytest
import structlog
from sqlalchemy import insert, text
from sqlalchemy.exc import DBAPIError

from models import Enrolment
from server.context import Context
from server.observability.logs import configure_logs
from tests.access.routes import CONSOLE
from tests.access.test_route_table import fill_path
from tests.busy import Busy, personal_texts
from tests.cast import STUDENTS, Phone
from tests.desk import DEMO_PASSWORD, Desk, sign_in
from tests.page import csrf_of

WRONG_PASSWORD = "my-other-password-9"
FOREIGN_ID = "310101198001011234"
SPARE = STUDENTS[15]


@contextlib.contextmanager
def capture_log() -> Iterator[io.StringIO]:
    """Give what the process writes to its log, from now on."""
    buffer = io.StringIO()
    handlers = [
        handler
        for handler in logging.getLogger().handlers
        if isinstance(handler.formatter, structlog.stdlib.ProcessorFormatter)
    ]
    assert len(handlers) == 1
    before = handlers[0].setStream(buffer)  # type: ignore[attr-defined]
    try:
        yield buffer
    finally:
        handlers[0].setStream(before)  # type: ignore[attr-defined]


@pytest.fixture
def lines(busy: Busy) -> Iterator[io.StringIO]:
    configure_logs("INFO")
    with capture_log() as buffer:
        yield buffer


def list_secrets(busy: Busy, desk: Desk) -> list[str]:
    cookie = desk.client.get_cookie("caiji_staff", path="/console")
    assert cookie is not None
    return [
        *personal_texts(),
        *(f"openid-{phone.user}" for phone in busy.phones.values()),
        *(f"phone-{phone.user}" for phone in busy.phones.values()),
        *(phone.token for phone in busy.phones.values()),
        cookie.value,
        DEMO_PASSWORD,
        WRONG_PASSWORD,
        FOREIGN_ID,
    ]


def test_logs_of_every_route_and_every_mistake_name_nobody(busy: Busy, lines: io.StringIO) -> None:
    desk = sign_in(busy.app, "admin")
    token = csrf_of(desk.get("/console/account").text)
    for route, row in CONSOLE.items():
        method, path = fill_path(route, busy.things.get(row.thing, ""))
        if not row.ends_session:
            form = {"csrf_token": token, "name": SPARE.name, "id_number": SPARE.id_number}
            data = None if method == "GET" else form
            desk.client.open(f"{path}?text={SPARE.name}", method=method, data=data, buffered=True)
    bodies = make_mistakes(busy)
    written = lines.getvalue()
    found = [json.loads(line) for line in written.splitlines()]
    assert len(found) >= len(CONSOLE)
    assert "request" in {line["event"] for line in found}
    secrets = list_secrets(busy, desk)
    assert [secret for secret in secrets if secret in written] == []
    assert [s for body in bodies for s in secrets if s in body] == []


def make_mistakes(busy: Busy) -> list[str]:
    """Do wrong things with personal data; returns the bodies of the answers."""
    phone = Phone(busy.app.test_client(), "p0").sign_in()
    busy.phones[99] = phone
    answers = [
        phone.bind(2, id_number=FOREIGN_ID),
        phone.bind(2, consent_version=FOREIGN_ID),
        phone.call("POST", "/enrolments", json={"name": SPARE.name, "id_number": SPARE.id_number}),
        phone.call("POST", "/enrolments", data=SPARE.id_number.encode()),
        phone.call("GET", f"/orders/{SPARE.id_number}"),
        phone.call("GET", f"/codes/{SPARE.id_number}"),
        phone.call("GET", f"/nowhere/{SPARE.name}"),
        busy.app.test_client().get(f"/nowhere/{SPARE.name}?id={SPARE.id_number}"),
        busy.app.test_client().post("/pay/notify/v3", data=SPARE.id_number.encode()),
        phone.client.post("/api/v1/login", json={"code": SPARE.id_number}),
    ]
    stranger = busy.app.test_client()
    form = {"csrf_token": csrf_of(stranger.get("/console/sign-in").text)}
    answers.append(
        stranger.post(
            "/console/sign-in", data={**form, "username": "admin", "password": WRONG_PASSWORD}
        )
    )
    form = {"csrf_token": csrf_of(stranger.get("/status").text), "student_no": SPARE.student_no}
    answers.append(stranger.post("/status", data={**form, "id_tail": FOREIGN_ID}))
    assert {answer.status_code for answer in answers} <= {400, 401, 404, 409, 422}
    return [answer.text for answer in answers]


def test_statement_that_fails_is_logged_without_its_row(demo: Context) -> None:
    configure_logs("INFO")
    log = structlog.get_logger()
    statements = [
        insert(Enrolment).values(name=SPARE.name, major=SPARE.id_number),
        text("SELECT :name, :major FROM nowhere"),
    ]
    with capture_log() as lines:
        for statement in statements:
            with demo.db.read() as session:
                try:
                    session.execute(statement, {"name": SPARE.name, "major": SPARE.id_number})
                except DBAPIError:
                    log.exception("unexpected")
    found = [json.loads(line) for line in lines.getvalue().splitlines()]
    assert [line["event"] for line in found] == ["unexpected", "unexpected"]
    assert all("Error" in line["exception"] for line in found)
    assert SPARE.name not in lines.getvalue()
    assert SPARE.id_number not in lines.getvalue()
