"""A year of two colleges: what happens to them is drawn from a seed, what must hold is not."""

from __future__ import annotations

import datetime as dt
import random
from collections.abc import Iterator
from typing import Any

import pytest
from sqlalchemy import event

from benchmarks.rig.wechat_side import WechatSide
from server.app import create_app
from server.context import Context
from server.settings import Settings
from tests.pay.conftest import settings as common_settings  # noqa: F401
from tests.pay.conftest import side, stub  # noqa: F401
from tests.pay.stub_gateway import Stub
from tests.year.habits import plan_all, plan_foreign
from tests.year.nightly import check_exports, check_ledger, check_night, count_collected
from tests.year.outside import Outside
from tests.year.outside_v2 import OutsideV2
from tests.year.people import enrol, found_colleges
from tests.year.year import Year

BEGIN = dt.date(2026, 10, 2)
AWAY = {
    *(dt.date(2026, 10, 24) + dt.timedelta(days=number) for number in range(3)),
    dt.date(2026, 11, 11),
    dt.date(2026, 11, 12),
    dt.date(2026, 11, 21),
    *(dt.date(2027, 4, 30) + dt.timedelta(days=number) for number in range(5)),
}
"""Days on which no worker ran: no verdicts, no questions, no bills."""


@pytest.fixture
def settings(common_settings: Settings, pay_version: str) -> Settings:  # noqa: F811
    chosen = {"pay_version": pay_version, "pay_v2_sign_type": "HMAC-SHA256"}
    return common_settings.model_copy(update=chosen)


@pytest.fixture
def outside(ctx: Context, stub: Stub, side: WechatSide) -> Iterator[Outside]:  # noqa: F811
    kind = OutsideV2 if ctx.pay.version == "v2" else Outside
    yield kind(side, ctx.clock, stub)
    ctx.pay.close_connections()
    ctx.messages._transport.close()  # type: ignore[attr-defined]


EVERYTHING = {
    *("refunded by hand", "refunded in part", "refunded by us", "paid twice", "waived"),
    *("left", "came back", "renamed", "sent while no worker ran"),
    *("sent in the last minute", "replaced in the last minute"),
    *("sent just too late", "replaced just too late"),
}
A_COLLEGE = 2000


@pytest.mark.parametrize(
    ("seed", "count", "days", "database_url", "pay_version"),
    [
        (14, 48, 66, "sqlite", "v3"),
        pytest.param(16, 200, 260, "sqlite", "v2", marks=[pytest.mark.long]),
        pytest.param(
            2027,
            A_COLLEGE,
            260,
            "sqlite",
            "v3",
            marks=[pytest.mark.long, pytest.mark.timeout(2400)],
        ),
        pytest.param(15, 48, 66, "postgresql", "v3", marks=[pytest.mark.long]),
    ],
    indirect=["database_url"],
)
def test_year_of_two_colleges(
    ctx: Context, outside: Outside, seed: int, count: int, days: int
) -> None:
    if ctx.db.is_sqlite:
        # no power cut is of this year, and 260 days of waiting for the disk prove nothing
        event.listen(ctx.db.engine, "connect", trust_the_disk)
        ctx.db.engine.dispose()
    rng = random.Random(seed)
    app = create_app(ctx=ctx)
    app.testing = True
    colleges = found_colleges(ctx)
    students = enrol(ctx, colleges, count, rng)
    year = Year(
        ctx, app.test_client(), outside, colleges, students, rng, AWAY.__contains__, check_night
    )
    last = BEGIN + dt.timedelta(days=days)
    plan_all(year)
    plan_foreign(year, BEGIN, last)
    year.run(BEGIN, last)
    check_exports(year)
    check_ledger(year, BEGIN, last + dt.timedelta(days=2))
    came = [student for student in students if student.facts.photo_at]
    assert count_collected(year) > 0.7 * len(came)
    missed = EVERYTHING - year.happened.keys()
    assert count < A_COLLEGE or not missed, f"this seed leaves out {missed}"


def trust_the_disk(connection: Any, _record: object) -> None:
    connection.execute("PRAGMA synchronous=OFF")
