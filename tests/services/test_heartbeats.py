"""Any number of workers may begin at the same moment."""

from __future__ import annotations

import concurrent.futures

import pytest
from sqlalchemy import select

from benchmarks.rig.stack import wait_until
from models import Heartbeat
from server.context import Context
from server.services.upkeep.heartbeats import beat_heart
from server.sweepers import Sweeper, SweeperThread
from tests.console.test_review_people import count_statements

NAMES = [f"duty-{number}" for number in range(10)]


@pytest.mark.engines
def test_many_processes_that_begin_at_once_share_one_heart(ctx: Context) -> None:
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        for name in NAMES:
            list(pool.map(lambda _, name=name: beat_heart(ctx, name), range(8)))
    with ctx.db.read() as session:
        assert sorted(session.scalars(select(Heartbeat.name))) == sorted(NAMES)


def test_duty_that_was_done_is_not_asked_for_before_its_time(ctx: Context) -> None:
    done: list[str] = []
    duties = [Sweeper(name, 60, lambda _, name=name: done.append(name)) for name in NAMES]
    thread = SweeperThread(ctx, duties, tick_s=0.01)
    with count_statements(ctx) as statements:
        thread.start()
        wait_until(lambda: done == NAMES, 20, "each was done once")
        before = len(statements)
        thread.join(0.3)
        thread.stop()
        thread.join()
    assert done == NAMES
    assert len(statements) == before
