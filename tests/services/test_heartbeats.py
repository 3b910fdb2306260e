"""Any number of workers may begin at the same moment."""

from __future__ import annotations

import concurrent.futures

import pytest
from sqlalchemy import select

from models import Heartbeat
from server.context import Context
from server.services.upkeep.heartbeats import beat_heart

NAMES = [f"duty-{number}" for number in range(10)]


@pytest.mark.engines
def test_many_processes_that_begin_at_once_share_one_heart(ctx: Context) -> None:
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        for name in NAMES:
            list(pool.map(lambda _, name=name: beat_heart(ctx, name), range(8)))
    with ctx.db.read() as session:
        assert sorted(session.scalars(select(Heartbeat.name))) == sorted(NAMES)
