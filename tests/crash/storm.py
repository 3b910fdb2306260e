"""Traffic, a supervisor that restarts what died, and somebody who kills processes all the time."""

from __future__ import annotations

import contextlib
import os
import random
import re
import signal
import struct
import threading
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

import httpx

from benchmarks.rig.processes import ROOT
from benchmarks.rig.stack import Stack, Student
from server.gateways.photo_store import hash_bytes

CRASHING = ("web", "worker")
GIVE_UP_ARMED_S = 4.0
PHOTOS_A_STUDENT = 9
"""Below the daily limit, and, with the pause, enough that the roster outlasts the storm."""
PAUSE_S = 1.0
"""A student looks at the verdict before the next photo."""


def list_failpoints(*folders: str) -> list[str]:
    """Every named place in the code, so that a new one takes part by itself."""
    pattern = re.compile(r'failpoints\.hit\("(\w+)"\)')
    sources = [path.read_text() for folder in folders for path in (ROOT / folder).rglob("*.py")]
    return sorted({name for source in sources for name in pattern.findall(source)})


def number_jpeg(data: bytes, number: int) -> bytes:
    """The same picture with another hash: a comment segment after the first marker."""
    comment = f"photo {number}".encode()
    return data[:2] + b"\xff\xfe" + struct.pack(">H", len(comment) + 2) + comment + data[2:]


class Supervisor:
    """Starts web and worker again when they have died, as systemd or compose would."""

    def __init__(self, stack: Stack) -> None:
        self._stack = stack
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run)
        self.restarts: Counter[str] = Counter()
        self.ended_groups: list[int] = []

    def _run(self) -> None:
        while not self._stopping.wait(0.05):
            for name in CRASHING:
                process = self._stack.processes[name]
                if process.poll() is not None:
                    self.ended_groups.append(process.pid)
                    self.restarts[name] += 1
                    self._stack.launch(name)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stopping.set()
        self._thread.join()


class Killer:
    """Kills processes in the ways in which they die in real life."""

    def __init__(self, stack: Stack, seed: int) -> None:
        self._stack = stack
        self._random = random.Random(seed)
        self._folder = Path(stack.extra["CAIJI_FAILPOINTS"])
        # The places of the batched settlement are only reached when many callbacks come at once.
        self._failpoints = [name for name in list_failpoints("server") if "many" not in name]
        self.rounds: Counter[str] = Counter()

    def kill_once(self) -> None:
        """One round: a named place, a whole process group, or a single process of it.

        Where nobody comes to the named place in time, the group dies instead: a round is a death,
        so that a few of them end before the people do.
        """
        way = self._random.choice(
            ("failpoint", "failpoint", "failpoint", "group", "parent", "child")
        )
        name = self._random.choice(CRASHING)
        if way == "failpoint":
            place = self._random.choice(self._failpoints)
            if self.arm(place):
                self.rounds[f"failpoint {place}"] += 1
                return
            way = "group"
        if self._kill(way, self._stack.processes[name].pid):
            self.rounds[f"{way} {name}"] += 1

    def arm(self, name: str, timeout_s: float = GIVE_UP_ARMED_S) -> bool:
        """Let the next process that comes to this place die; False when none came in time."""
        file = self._folder / name
        file.touch()
        deadline = time.monotonic() + timeout_s
        while time.monotonic() < deadline:
            if not file.exists():
                return True
            time.sleep(0.02)
        try:
            file.unlink()
        except FileNotFoundError:
            return True
        return False

    def _kill(self, way: str, pid: int) -> bool:
        with contextlib.suppress(ProcessLookupError):
            if way == "group":
                os.killpg(pid, signal.SIGKILL)
            elif way == "parent":
                os.kill(pid, signal.SIGKILL)
            else:
                children = list_children(pid)
                if not children:
                    return False
                os.kill(self._random.choice(children), signal.SIGKILL)
            return True
        return False


def list_children(pid: int) -> list[int]:
    try:
        text = Path(f"/proc/{pid}/task/{pid}/children").read_text()
    except OSError:
        return []
    return [int(part) for part in text.split()]


def group_is_alive(pgid: int) -> bool:
    try:
        os.killpg(pgid, 0)
    except ProcessLookupError:
        return False
    return True


@dataclass
class Books:
    """What the clients were promised."""

    acknowledged: dict[str, str] = field(default_factory=dict)
    """Photo id to the SHA-256 of the bytes that were sent."""
    owners: dict[str, Student] = field(default_factory=dict)
    paid: dict[str, Student] = field(default_factory=dict)
    """Order number to the student who confirmed the payment on the phone."""
    refusals: Counter[int] = field(default_factory=Counter)
    strange: list[str] = field(default_factory=list)
    lock: threading.Lock = field(default_factory=threading.Lock)


class Crowd:
    """Students who do the journey again and again, with the patience of the mini-program."""

    def __init__(self, stack: Stack, people: list[dict[str, str]], picture: bytes) -> None:
        self._stack = stack
        self._people = iter(people)
        self._picture = picture
        self._numbers = iter(range(10_000))
        self.books = Books()
        self.stopping = threading.Event()

    def run(self) -> None:
        """One thread: the next student, some photos and a payment, until told to stop."""
        while not self.stopping.is_set():
            with self.books.lock:
                person = next(self._people, None)
            if person is None:
                return
            student = Student(self._stack, person)
            if self._insist(student.sign_in) is None or self._insist(student.bind) is None:
                return
            self._use(student)

    def _use(self, student: Student) -> None:
        for _ in range(PHOTOS_A_STUDENT):
            if not self._upload(student):
                return
            self.stopping.wait(PAUSE_S)
        order = self._insist(lambda: self._order(student))
        if order is None:
            return
        # The callback of every third payment never arrives: asking WeChat has to find it.
        with self.books.lock:
            self.books.paid[order["out_trade_no"]] = student
            faults = ["drop"] if len(self.books.paid) % 3 == 0 else ["duplicate"]
        student.pay(order, *faults)

    def _upload(self, student: Student) -> bool:
        with self.books.lock:
            data = number_jpeg(self._picture, next(self._numbers))

        def send() -> Any:
            answer = student.upload(data)
            if answer.status_code in {200, 202}:
                return answer.json()["data"]
            self._note_refusal(answer)
            return None

        photo = self._insist(send)
        if photo is None:
            return False
        with self.books.lock:
            self.books.acknowledged[photo["id"]] = hash_bytes(data)
            self.books.owners[photo["id"]] = student
        return True

    def _order(self, student: Student) -> Any:
        answer = student.http.post(f"/enrolments/{student.enrolment_id}/order")
        if answer.status_code == 200:
            return answer.json()["data"]
        if answer.status_code != 409:
            self._note_refusal(answer)
        return None

    def _note_refusal(self, answer: httpx.Response) -> None:
        with self.books.lock:
            self.books.refusals[answer.status_code] += 1
            if answer.status_code not in {429, 503} or "Retry-After" not in answer.headers:
                self.books.strange.append(answer.text[:200])

    def _insist(self, step: Any) -> Any:
        """Try until it works; the server may be dead at any moment."""
        while not self.stopping.is_set():
            with contextlib.suppress(httpx.TransportError, KeyError, AssertionError):
                done = step()
                if done is not None:
                    return done
            time.sleep(0.2)
        return None
