"""A worker keeps its children busy: the next photo is in hand while one is judged."""

from __future__ import annotations

import threading
import uuid
from collections.abc import Sequence
from typing import Any

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select

from benchmarks.rig.stack import wait_until
from imagecheck.isolated import CheckedPhoto, ChildGone, MadePhoto
from models import Photo, PhotoState
from server.checkers import CheckerPool
from server.context import Context
from server.worker import PhotoWorkers
from tests.cast import JPEG, Phone
from tests.fakes import FakeChecker

FAILED = FakeChecker("fail").examine(b"", mode="", profile="", background="").report


class SlowChild:
    """Judges when it is told to."""

    def __init__(self, *, can_start: bool = True) -> None:
        self.can_start = can_start
        self.is_running = False
        self.at_work = 0
        self.most_at_work = 0
        self.begun: list[bytes] = []
        self.may_end = threading.Semaphore(0)

    def warm_up(self) -> None:
        if not self.can_start:
            raise ChildGone("unavailable")
        self.is_running = True

    def examine(self, data: bytes, **_options: Any) -> CheckedPhoto:
        self.at_work += 1
        self.most_at_work = max(self.most_at_work, self.at_work)
        self.begun.append(data)
        assert self.may_end.acquire(timeout=20)
        self.at_work -= 1
        return CheckedPhoto(FAILED)

    def make(self, data: bytes, profiles: Sequence[object]) -> tuple[MadePhoto, ...]:
        return ()

    def close(self) -> None:
        self.is_running = False


def read_photos(ctx: Context) -> list[Photo]:
    with ctx.db.read() as session:
        return list(session.scalars(select(Photo).order_by(Photo.submitted_at, Photo.id)))


@pytest.fixture
def waiting(demo: Context, client: FlaskClient) -> int:
    """How many photos of one student wait for their verdict."""
    phone = Phone(client, "alice").sign_in()
    enrolment = phone.bound()
    for number in range(3):
        assert phone.upload(enrolment, JPEG + bytes([number])).status_code == 202
    return 3


@pytest.mark.engines
def test_next_photo_is_in_hand_while_one_is_judged(demo: Context, waiting: int) -> None:
    child = SlowChild()
    pool = CheckerPool(1, lambda: child)
    workers = PhotoWorkers(demo, pool)
    assert pool.thread_count == 2
    threads = [
        threading.Thread(target=lambda: [workers.check(uuid.uuid4()) for _ in range(2)])
        for _ in range(pool.thread_count)
    ]
    for thread in threads:
        thread.start()

    def count_in_hand() -> int:
        return sum(photo.check_started_at is not None for photo in read_photos(demo))

    for judged in range(waiting):
        wait_until(lambda n=judged: len(child.begun) == n + 1, 20, "the child judges")
        in_hand = min(waiting, judged + 2)
        wait_until(lambda n=in_hand: count_in_hand() == n, 20, "the next one is in hand")
        child.may_end.release()
    for thread in threads:
        thread.join(20)
    assert child.most_at_work == 1
    assert {photo.state for photo in read_photos(demo)} == {PhotoState.CHECKED}


def test_photos_wait_uncounted_while_no_child_can_start(demo: Context, waiting: int) -> None:
    child = SlowChild(can_start=False)
    workers = PhotoWorkers(demo, CheckerPool(1, lambda: child))
    workers.warm_up()
    for _ in range(waiting):
        workers.check(uuid.uuid4())
    assert [photo.check_attempts for photo in read_photos(demo)] == [0] * waiting
    assert child.begun == []


def test_idle_child_is_taken_before_a_busy_one() -> None:
    children = [SlowChild(), SlowChild()]
    makers = iter(children)
    pool = CheckerPool(2, lambda: next(makers))
    options: dict[str, Any] = {"mode": "capture", "profile": "x", "background": "x"}
    threads = [
        threading.Thread(target=lambda d=data: pool.examine(d, **options))
        for data in (b"1", b"2", b"3")
    ]
    for thread in threads:
        thread.start()
    wait_until(lambda: all(child.begun for child in children), 20, "both judge")
    children[1].may_end.release()
    wait_until(lambda: len(children[1].begun) == 2, 20, "the third goes to the idle one")
    assert len(children[0].begun) == 1
    for child in children:
        child.may_end.release()
    for thread in threads:
        thread.join(20)
