"""Attempts are counted before they are judged, by one atomic addition: also in Redis."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest
from limits import parse
from limits.storage import storage_from_string

from benchmarks.rig.backends import reserve_port, run_redis
from server.security.attempts import AttemptCounter, AttemptLimit, TooManyRequests
from server.security.steady_memory import SteadyMemoryStorage

PROCESSES = 4
TRIES_EACH = 10
LIMIT = AttemptLimit("5/hour", "wrong password", "account 王芳")


@pytest.fixture
def address() -> Iterator[str]:
    with run_redis(reserve_port()) as url:
        yield url


def test_processes_that_try_at_once_have_one_number_of_tries_in_redis(address: str) -> None:
    """Each process has a counter of its own on the one Redis, and every try begins at once."""
    counters = [AttemptCounter(storage_from_string(f"{address}/1")) for _ in range(PROCESSES)]
    start = threading.Barrier(PROCESSES * TRIES_EACH)
    heard: list[int] = []
    refused: list[int] = []

    def guess(counter: AttemptCounter) -> None:
        start.wait()
        try:
            heard.append(counter.begin([LIMIT]).tries_left)
        except TooManyRequests as answer:
            refused.append(answer.retry_after_s or 0)

    threads = [
        threading.Thread(target=guess, args=(counter,))
        for counter in counters
        for _ in range(TRIES_EACH)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    # refused ones give their place back: at most five were ever judged, whoever came first
    assert len(heard) <= 5
    assert len(heard) + len(refused) == len(threads)
    assert all(3500 < wait_s <= 3600 for wait_s in refused)


def test_right_try_is_given_back_to_all_processes(address: str) -> None:
    mine, other = (AttemptCounter(storage_from_string(f"{address}/1")) for _ in range(2))
    for _ in range(8):
        mine.begin([LIMIT]).give_back()
    assert other.begin([LIMIT]).tries_left == 4


def test_many_counts_are_swept_now_and_then_and_not_each_time() -> None:
    storage = SteadyMemoryStorage()
    minute = parse("5/minute")
    storage.incr("over", 0)
    sweeper = storage.timer
    sweeper.join()
    for number in range(50):
        assert storage.acquire_entry(f"{number}", minute.amount, minute.get_expiry())
    assert storage.timer is sweeper, "a thread a count"
    storage.expirations["over"] = 0.0
    storage._sweep_at = 0.0
    storage.incr("new", 60)
    storage.timer.join()
    assert "over" not in storage.expirations
    assert len(storage.events) == 50
