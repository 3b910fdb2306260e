"""Everybody comes at once: honest refusals, and the others keep their lane."""

from __future__ import annotations

import concurrent.futures
import itertools
import os
import signal
import threading
import time
from collections import Counter
from collections.abc import Iterator
from typing import Self

import httpx
import pytest

from benchmarks.rig.portraits import jpeg_bytes
from benchmarks.rig.stack import Stack, Student, run_stack, wait_until
from tests.crash.storm import number_jpeg

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]
BURST = 80
ALLOWED = {200, 202, 429, 503}
_numbers = itertools.count()


@pytest.fixture(scope="module")
def crowded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    with run_stack(tmp_path_factory.mktemp("crowded"), CAIJI_QUEUE_LIMIT="30") as stack:
        yield stack


@pytest.fixture(scope="module")
def crowd(crowded: Stack) -> list[Student]:
    return bind_people(crowded, BURST // 2)


def bind_people(stack: Stack, count: int) -> list[Student]:
    """Bind students whom nobody has bound before."""
    mine = stack.take_students(count)
    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        return list(pool.map(lambda each: Student(stack, each).sign_in().bind(), mine))


class Watch:
    """Asks for the health again and again and remembers the slowest answer."""

    def __init__(self, stack: Stack) -> None:
        self._stack = stack
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._run)
        self.slowest_s = 0.0
        self.statuses: Counter[int] = Counter()

    def _run(self) -> None:
        with httpx.Client(timeout=30) as http:
            while not self._ended.wait(0.05):
                start = time.monotonic()
                self.statuses[http.get(f"{self._stack.url}/healthz").status_code] += 1
                self.slowest_s = max(self.slowest_s, time.monotonic() - start)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._thread.join()


@pytest.mark.long
def test_burst_of_uploads_leaves_room_for_callbacks(crowded: Stack, crowd: list[Student]) -> None:
    payer = crowd[0]
    first = payer.upload(number_jpeg(jpeg_bytes(), next(_numbers)))
    payer.wait_for_verdict(first.json()["data"]["id"])
    order = payer.open_order()
    photos = [(student, number_jpeg(jpeg_bytes(), next(_numbers))) for student in crowd * 2]
    with Watch(crowded) as watch, concurrent.futures.ThreadPoolExecutor(BURST) as pool:
        answers = [pool.submit(student.upload, photo) for student, photo in photos]
        payer.pay(order)
        paid_at = time.monotonic()
        payer.wait_for_status("uploaded", 30)
        paid_s = time.monotonic() - paid_at
        results = [each.result() for each in answers]
    statuses = Counter(each.status_code for each in results)
    assert set(statuses) <= ALLOWED, statuses
    assert statuses[200] + statuses[202] > 0, statuses
    assert all(
        int(each.headers["Retry-After"]) > 0 for each in results if each.status_code in {429, 503}
    )
    assert set(watch.statuses) == {200}
    show(statuses, f"health {watch.slowest_s:.2f} s, callback {paid_s:.2f} s")
    for (student, _), answer in zip(photos, results, strict=True):
        if answer.status_code in {200, 202}:
            student.wait_for_verdict(answer.json()["data"]["id"], 90)


@pytest.mark.long
def test_slow_phones_do_not_hold_the_threads(crowded: Stack, crowd: list[Student]) -> None:
    """Bodies that trickle in fill the lane of the uploads, not the process."""
    ended = threading.Event()

    def trickle() -> Iterator[bytes]:
        yield b"--x\r\n"
        ended.wait(60)
        yield b"0" * (500_000 - 5)

    def send(student: Student) -> int:
        headers = {"Content-Type": "multipart/form-data; boundary=x", "Content-Length": "500000"}
        path = f"/enrolments/{student.enrolment_id}/photos"
        try:
            return student.http.post(path, content=trickle(), headers=headers).status_code
        except httpx.HTTPError:
            return 0

    with concurrent.futures.ThreadPoolExecutor(40) as pool:
        sending = [pool.submit(send, student) for student in crowd]
        time.sleep(2)
        try:
            with Watch(crowded) as watch:
                payer = crowd[1]
                assert payer.http.get(f"/enrolments/{payer.enrolment_id}").status_code == 200
                time.sleep(1)
            assert watch.statuses[200] > 5
        finally:
            ended.set()
        assert {each.result() for each in sending} <= {0, 400, 422, 503}


def show(*facts: object) -> None:
    """Tell with `pytest -s` how long things took; a loaded machine may take longer."""
    print(*facts)  # noqa: T201


def test_stop_and_reload_under_traffic_fail_no_request(crowded: Stack) -> None:
    """SIGHUP renews the processes without a failed request; SIGTERM finishes what was begun."""
    ended = threading.Event()
    failures: list[str] = []
    served: Counter[int] = Counter()

    def use(student: Student) -> None:
        while not ended.is_set():
            try:
                served[student.http.get(f"/enrolments/{student.enrolment_id}").status_code] += 1
            except httpx.ConnectError:
                return  # nobody listens any more: the proxy asks another machine
            except httpx.HTTPError as error:
                failures.append(repr(error))

    clients = [threading.Thread(target=use, args=(student,)) for student in bind_people(crowded, 6)]
    for client in clients:
        client.start()
    master = crowded.processes["web"]
    try:
        wait_until(lambda: served.total() > 20, 30, "traffic")
        os.kill(master.pid, signal.SIGHUP)
        before = served.total()
        wait_until(lambda: served.total() > before + 100, 60, "traffic after the reload")
        time.sleep(2)
        assert failures == []
        assert all(client.is_alive() for client in clients)
        os.kill(master.pid, signal.SIGTERM)
        master.wait(40)
    finally:
        ended.set()
        for client in clients:
            client.join()
        if master.poll() is not None:
            crowded.start("web")
    assert failures == []
    assert set(served) <= {200, 429}
