"""Whatever happens in whatever order, our books agree with WeChat's in the end."""

from __future__ import annotations

import datetime as dt
import subprocess
from typing import Any

import pytest
from flask.testing import FlaskClient
from hypothesis import HealthCheck, Phase, settings
from hypothesis.stateful import run_state_machine_as_test
from sqlalchemy import select

from models import QuarantinedPayment, ReconciliationDifference
from server.context import Context
from server.services.money.books.differences import MISSING_HERE
from server.services.money.books.reconcile import reconcile
from server.services.viewer import Viewer
from tests.pay.small_wechat import SmallWechat
from tests.pay.story_of_books import Books, World
from tests.pay.test_crash import nursery  # noqa: F401
from tests.pay.test_reconcile import payment_line, refund_line, serve_bill


@pytest.fixture
def world(
    client: FlaskClient,
    wechat: SmallWechat,
    demo: Context,
    finance: Viewer,
    nursery: subprocess.Popen[str],  # noqa: F811
) -> World:
    return World(demo, client, wechat, finance, nursery)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("database_url", "stories"), [("sqlite", 15), ("postgresql", 4)], indirect=["database_url"]
)
def test_books_agree_with_wechat_whatever_happens(world: World, stories: int) -> None:
    Books.world = world
    run_state_machine_as_test(
        Books,
        settings=settings(
            max_examples=stories,
            stateful_step_count=20,
            deadline=None,
            database=None,
            phases=[Phase.generate],
            suppress_health_check=list(HealthCheck),
        ),
    )
    compare_with_the_bill(world)


def compare_with_the_bill(world: World) -> None:
    """Reconcile every day on which something happened: only held money may differ."""
    finished = [each for each in world.wechat.refunds.values() if each["status"] == "SUCCESS"]
    for day in sorted({each["success_time"][:10] for each in [*world.payments, *finished]}):
        lines = [payment_line(each) for each in world.payments if each["success_time"][:10] == day]
        lines += [
            refund_line(find_payment(world, each), each["out_refund_no"])
            for each in finished
            if each["success_time"][:10] == day
        ]
        serve_bill(world.wechat, *lines)
        assert reconcile(world.ctx, dt.date.fromisoformat(day)).error == ""
    with world.ctx.db.read() as session:
        held = set(session.scalars(select(QuarantinedPayment.transaction_id)))
        rows = session.scalars(select(ReconciliationDifference)).all()
    assert {row.kind for row in rows} <= {MISSING_HERE}
    assert {row.transaction_id for row in rows} <= held


def find_payment(world: World, refund: dict[str, Any]) -> dict[str, Any]:
    """Return the payment that a refund gives back."""
    number = refund["transaction_id"]
    return next(each for each in world.payments if each["transaction_id"] == number)
