"""Promise 1: kill -9 any process at any moment, and what was acknowledged is there and judged."""

from __future__ import annotations

import os
import random
import threading
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import func, select

from benchmarks.rig.portraits import jpeg_bytes
from benchmarks.rig.stack import Stack, Student, run_stack, wait_until
from models import Enrolment, Order, OrderState, Photo, StatusChange
from server.db import Database
from server.gateways.photo_store import FolderPhotoStore, content_key, hash_bytes
from server.services.collection import Event
from tests.crash.storm import Crowd, Killer, Supervisor, group_is_alive, list_failpoints
from tests.pay.test_crash import FAILPOINTS as PLACES_OF_MONEY

ROUNDS = int(os.environ.get("CRASH_ROUNDS", "42"))
"""Of the whole storm; with the named places before it there are more than fifty."""
SHORT_ROUNDS = 4
SHORT_PEOPLE = 12
"""The last of the roster are for the short storm."""
SEED = int(os.environ.get("CRASH_SEED", str(random.SystemRandom().randrange(1_000_000))))
CLIENTS = 4
UPLOAD_PLACES = ["original_stored", "photo_committed", "photo_queued"]
CHECK_PLACES = [
    *("photo_claimed", "photo_judged", "standard_stored"),
    *("promoting", "verdict_not_committed", "verdict_recorded"),
]

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]


@pytest.fixture(scope="module")
def fragile(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """A stack whose named places can be armed, and that deletes orphans at once when swept."""
    folder = tmp_path_factory.mktemp("fragile")
    (folder / "armed").mkdir()
    with run_stack(
        folder,
        CAIJI_FAILPOINTS=str(folder / "armed"),
        CAIJI_ORPHAN_AGE_S="0.001",
        # A killed worker's photos are taken up again after this and five seconds.
        CAIJI_CHECK_TIMEOUT_S="10",
    ) as stack:
        yield stack


@pytest.fixture(scope="module")
def picture() -> bytes:
    return jpeg_bytes()


def test_every_named_place_is_tried_here_or_where_money_is_settled() -> None:
    places = set(list_failpoints("server")) - set(PLACES_OF_MONEY)
    assert places == {*UPLOAD_PLACES, *CHECK_PLACES}


def test_killed_at_each_place_of_the_photo_path(fragile: Stack, picture: bytes) -> None:
    people = fragile.students()
    crowd = Crowd(fragile, people[:1], picture)
    student = Student(fragile, people[0]).sign_in().bind()
    killer = Killer(fragile, SEED)
    with Supervisor(fragile):
        for place in [*UPLOAD_PLACES, *CHECK_PLACES]:
            arming = threading.Thread(target=killer.arm, args=(place, 30))
            arming.start()
            wait_until((Path(fragile.extra["CAIJI_FAILPOINTS"]) / place).exists, 60, "armed")
            assert crowd._upload(student)
            arming.join()
            assert not (Path(fragile.extra["CAIJI_FAILPOINTS"]) / place).exists(), place
        settle_down(fragile, crowd)
    check_promises(fragile, crowd)


@pytest.mark.parametrize(
    "rounds", [SHORT_ROUNDS, pytest.param(ROUNDS, marks=pytest.mark.long)], ids=["short", "all"]
)
def test_storm_of_kills_loses_nothing(fragile: Stack, picture: bytes, rounds: int) -> None:
    people = [each for each in fragile.students()[1:] if each["enrolment_status"] == "在籍"]
    is_short = rounds == SHORT_ROUNDS
    people = people[-SHORT_PEOPLE:] if is_short else people[:-SHORT_PEOPLE]
    crowd, killer = Crowd(fragile, people, picture), Killer(fragile, SEED)
    try:
        with Supervisor(fragile) as supervisor:
            rage(crowd, killer, rounds)
            settle_down(fragile, crowd)
            wait_until(
                lambda: not any(group_is_alive(each) for each in supervisor.ended_groups),
                30,
                "children of killed processes end",
            )
        assert killer.rounds.total() >= rounds
        assert crowd.books.paid
        assert crowd.books.strange == []
        check_promises(fragile, crowd)
    except BaseException as error:
        error.add_note(f"CRASH_SEED={SEED} CRASH_ROUNDS={rounds}: {dict(killer.rounds)}")
        raise
    finally:
        show(
            f"CRASH_SEED={SEED}", killer.rounds, len(crowd.books.acknowledged), crowd.books.refusals
        )


def show(*facts: object) -> None:
    """Tell with `pytest -s` how wild it was."""
    print(*facts)  # noqa: T201 - the numbers are for whoever asks for them


def rage(crowd: Crowd, killer: Killer, rounds: int) -> None:
    """Let the crowd use the service while its processes are killed."""
    clients = [threading.Thread(target=crowd.run) for _ in range(CLIENTS)]
    for client in clients:
        client.start()
    try:
        while killer.rounds.total() < rounds and any(client.is_alive() for client in clients):
            killer.kill_once()
            wait_for_progress(crowd)
        wait_until(lambda: crowd.books.paid, 60, "somebody has paid")
    finally:
        crowd.stopping.set()
        for client in clients:
            client.join()


def wait_for_progress(crowd: Crowd) -> None:
    """Let the survivors do some work before the next kill, but not for ever."""
    before = len(crowd.books.acknowledged)
    deadline = time.monotonic() + 3
    while len(crowd.books.acknowledged) == before and time.monotonic() < deadline:
        time.sleep(0.05)


def settle_down(stack: Stack, crowd: Crowd) -> None:
    """Everything acknowledged gets its end, with the tokens of before."""
    for photo_id, student in crowd.books.owners.items():
        verdict = student.wait_for_verdict(photo_id, 90)
        assert verdict["verdict"] in {"pass", "warn"}, verdict["findings"]
    for student in crowd.books.paid.values():
        student.wait_for_status("uploaded", 90)
    wait_until(lambda: "worker_started" in stack.read_log("worker"), 60, "worker")


def check_promises(stack: Stack, crowd: Crowd) -> None:
    stack.flask("sweep", "remove_orphans")
    assert stack.flask("check", "--read-files").strip() == "0 problems"
    store = FolderPhotoStore(stack.folder / "photos")
    for sha256 in crowd.books.acknowledged.values():
        assert hash_bytes(store.get(content_key("originals", sha256, ".bin"))) == sha256
    db = Database(f"sqlite:///{stack.folder}/caiji.db")
    with db.read() as session:
        named = set(session.scalars(select(Photo.original_key)))
        named |= set(session.scalars(select(Photo.standard_key)))
        settled = Counter(
            session.scalars(
                select(StatusChange.enrolment_id).where(StatusChange.event == Event.SUBMITTED)
            )
        )
        orders = dict(
            session.execute(
                select(Order.enrolment_id, func.count())
                .where(Order.state == OrderState.PAID)
                .group_by(Order.enrolment_id)
            ).all()
        )
        fees = session.scalars(
            select(Enrolment.id).where(Enrolment.fee_settled_at.is_not(None))
        ).all()
    db.dispose()
    # a process killed while it tried the store leaves its probe, which is removed when it is old
    kept = {key for key in store.list_keys() if not key.startswith("probe/")}
    assert kept == named - {None}
    assert list(store.list_unfinished()) == []
    assert set(settled.values()) <= {1}, "one settlement an order"
    assert set(orders.values()) <= {1}
    assert len(orders) == len(fees) >= len(crowd.books.paid)
