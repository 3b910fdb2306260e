"""The work queue keeps one contract on SQLite, Redis and PostgreSQL."""

from __future__ import annotations

import contextlib
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest

from benchmarks.rig.backends import make_postgres_database, reserve_port, run_redis
from server.gateways.queue import QueueUnavailable, WorkQueue


@pytest.fixture(params=["sqlite", "redis", "postgres"])
def address(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    with contextlib.ExitStack() as backends:
        if request.param == "sqlite":
            yield f"sqlite:///{tmp_path / 'queue.db'}"
        elif request.param == "redis":
            yield backends.enter_context(run_redis(reserve_port()))
        else:
            database = backends.enter_context(make_postgres_database(is_durable=False))
            yield database.replace("+psycopg", "")


def close(queue: WorkQueue) -> None:
    storage = queue.huey.storage
    for name in ("close", "close_all"):
        getattr(storage, name, lambda: None)()
    if hasattr(storage, "pool"):
        storage.pool.disconnect()


def test_ids_come_out_as_they_went_in_once(address: str) -> None:
    web, worker = WorkQueue(address), WorkQueue(address)
    ids = [uuid.uuid4() for _ in range(3)]
    seen: list[uuid.UUID] = []
    worker.on_photo(seen.append)
    for photo_id in ids:
        web.enqueue_photo(photo_id)
    assert web.count_waiting() == 3
    while (task := worker.huey.dequeue()) is not None:
        worker.huey.execute(task)
    assert seen == ids
    assert worker.count_waiting() == 0
    for queue in (web, worker):
        close(queue)


def test_queue_that_is_away_says_so() -> None:
    queue = WorkQueue(f"redis://127.0.0.1:{reserve_port()}/0")
    with pytest.raises(QueueUnavailable):
        queue.enqueue_photo(uuid.uuid4())
    with pytest.raises(QueueUnavailable):
        queue.count_waiting()
