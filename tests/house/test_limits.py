"""Promise 3: no state lasts longer than its limit without a sweeper acting or an alert."""

from __future__ import annotations

import datetime as dt
import re
import time
from pathlib import Path

import pytest
from flask.testing import FlaskClient
from sqlalchemy import event, update

from models import CutState, OrderState, Photo, PhotoState, RefundState
from server.context import Context
from server.duties import SWEEPERS
from server.observability import metrics
from server.observability.health import WORKER_SILENT_AFTER
from server.services.messages import outbox as send_messages
from server.services.upkeep.check_integrity import check_integrity
from server.services.upkeep.state_limits import (
    FINAL,
    JOB_RUNNER,
    LIMITS,
    PHOTO_CUTTER,
    WAITS_FOR_PEOPLE,
)
from tests.cast import JPEG, Phone

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "limits.md").read_text()
JOB_STATES = re.findall(
    r"``(\w+)``", (ROOT / "models" / "operations.py").read_text().split("``roster_import``")[1]
)


def list_states() -> set[str]:
    """Every state of the models that has a life."""
    kinds = {"photo": PhotoState, "cut": CutState, "order": OrderState, "refund": RefundState}
    states = {f"{noun}.{each.value}" for noun, kind in kinds.items() for each in kind}
    messages = (send_messages.PENDING, send_messages.SENT)
    for noun in ("message", "sms"):
        states |= {f"{noun}.{each}" for each in (*messages, "refused", "failed")}
    return states | {f"job.{each}" for each in JOB_STATES if each != "export"}


def test_every_state_ends_by_itself_by_a_sweeper_or_by_a_person() -> None:
    limited = {each.state for each in LIMITS}
    assert limited | set(WAITS_FOR_PEOPLE) | FINAL == list_states() | {
        *("notice.undecided", "audit.unsealed")
    }
    assert not limited & FINAL


def test_every_limit_has_a_sweeper_that_runs_far_more_often() -> None:
    intervals = {each.name: each.interval_s for group in SWEEPERS.values() for each in group}
    for limit in LIMITS:
        if limit.sweeper not in {JOB_RUNNER, PHOTO_CUTTER}:
            assert dt.timedelta(seconds=10 * intervals[limit.sweeper]) < limit.limit, limit.state


def test_page_of_limits_names_every_state_sweeper_and_metric(client: FlaskClient) -> None:
    named = {each.state for each in LIMITS} | set(WAITS_FOR_PEOPLE)
    named |= {each.name for group in SWEEPERS.values() for each in group}
    text = client.get("/metrics").text
    named |= set(re.findall(r"^# TYPE (caiji_\w+?)(?:_created|_total)? ", text, re.MULTILINE))
    assert {name for name in named if f"`{name}`" not in PAGE} == set()
    assert set(WAITS_FOR_PEOPLE.values()) <= named


def test_photo_beyond_its_limit_is_a_problem_and_an_alert(client: FlaskClient) -> None:
    ctx: Context = client.application.extensions["caiji"]
    phone = Phone(client, "alice").sign_in()
    phone.upload(phone.bound(), JPEG)
    assert 'caiji_states_overdue{state="photo.received"} 0.0' in client.get("/metrics").text
    with ctx.db.write() as session:
        session.execute(update(Photo).values(submitted_at=ctx.now() - dt.timedelta(minutes=6)))
    assert 'caiji_states_overdue{state="photo.received"} 1.0' in client.get("/metrics").text
    assert [each.kind for each in check_integrity(ctx)] == ["photo_waits_too_long"]
    assert dt.timedelta(minutes=5) > WORKER_SILENT_AFTER


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_probes_of_load_balancers_cost_one_look_a_second(client: FlaskClient) -> None:
    ctx: Context = client.application.extensions["caiji"]
    seen: list[str] = []

    def note(*arguments: object) -> None:
        seen.append(str(arguments[2]))

    event.listen(ctx.db.engine, "before_cursor_execute", note)
    try:
        started = time.monotonic()
        client.get("/readyz")
        one_look = len(seen)
        for _ in range(50):
            client.get("/readyz")
        looks = 1 + int(time.monotonic() - started)
    finally:
        event.remove(ctx.db.engine, "before_cursor_execute", note)
    assert 0 < len(seen) <= looks * one_look


def test_every_request_is_counted_by_route_and_timed_by_surface(client: FlaskClient) -> None:
    client.get("/healthz")
    client.get("/api/v1/nothing/20200001")
    text = client.get("/metrics").text
    assert 'caiji_http_requests_total{route="/healthz",status="200"}' in text
    assert 'caiji_http_requests_total{route="none",status="401"}' in text or (
        'caiji_http_requests_total{route="none",status="404"}' in text
    )
    assert "20200001" not in text
    assert 'caiji_http_request_seconds_count{surface="api"}' in text
    declared = {name for name in vars(metrics) if name.startswith("REQUEST")}
    assert declared == {"REQUESTS", "REQUEST_SECONDS"}
