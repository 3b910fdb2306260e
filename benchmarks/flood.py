"""A stranger's flood: many clients at one route; how long do health and callbacks take meanwhile?

    .venv/bin/python benchmarks/flood.py [--clients 200] [--seconds 20] [--route NAME]

Each client opens a connection, asks, reads the answer and begins again, half of them from one
address and half from hundreds (the server stands behind a proxy that says so). Meanwhile
``/healthz`` is asked five times a second, and a payment notice that WeChat repeats is answered
again and again. Promised for every route: health below 1 s, callbacks below 2 s, and nothing but
answers that the client may read: no 500, and 503 only with ``Retry-After``. Exit status 1 when one
is missed. Talks to loopback alone.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import random
import re
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

import httpx

ROOT = Path(__file__).parent.parent
sys.path.insert(0, str(ROOT))

from benchmarks.rig.portraits import jpeg_bytes
from benchmarks.rig.stack import HTTP, Stack, Student, run_stack, wait_until

MAX_HEALTH_S = 1.0
MAX_CALLBACK_S = 2.0
ANSWER_LIMIT_S = 30
House = tuple[Stack, Student, dict[str, object]]
"""A running service, a student of it, and that student's paid order."""
TOKEN = re.compile(r'name="csrf_token"[^>]*value="([^"]+)"')


@dataclass
class Shot:
    """One request of the flood, as bytes; the address it claims is filled in."""

    method: str
    path: str
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b""

    def render(self, address: str) -> bytes:
        """Return the request as it goes over the wire."""
        lines = [f"{self.method} {self.path} HTTP/1.1", "Host: 127.0.0.1", "Connection: close"]
        lines += [f"X-Forwarded-For: {address}", f"Content-Length: {len(self.body)}"]
        lines += [f"{name}: {value}" for name, value in self.headers.items()]
        return ("\r\n".join(lines) + "\r\n\r\n").encode() + self.body


def list_shots(stack: Stack) -> dict[str, Shot]:
    """Return one request for each route that a stranger may flood."""
    form = {"Content-Type": "application/x-www-form-urlencoded"}
    json = {"Content-Type": "application/json"}
    made_up = {"Authorization": "Bearer " + "x" * 43}
    with httpx.Client(base_url=stack.url) as http:
        page = http.get("/console/sign-in").text
        cookie = "; ".join(f"{name}={value}" for name, value in http.cookies.items())
    found = TOKEN.search(page)
    assert found is not None
    sign_in = f"csrf_token={found[1]}&username=nobody&password=wrong-password".encode()
    photo = b"--x\r\n" + b"0" * 200_000
    parts = {"Content-Type": "multipart/form-data; boundary=x"}
    nobody = "/api/v1/enrolments/00000000-0000-7000-8000-000000000000/photos"
    return {
        "sign-in": Shot("POST", "/console/sign-in", form | {"Cookie": cookie}, sign_in),
        "sign-in page": Shot("GET", "/console/sign-in"),
        "status": Shot("POST", "/status", form | {"Cookie": cookie}, sign_in),
        "login": Shot("POST", "/api/v1/login", json, b'{"code":"made-up"}'),
        "code": Shot("GET", "/api/v1/codes/y0814v", made_up),
        "upload": Shot("POST", nobody, made_up | parts, photo),
        "notice": Shot("POST", "/pay/notify/v3", json, b'{"id":"made-up"}'),
    }


async def flood(port: int, shot: Shot, clients: int, seconds: float) -> Counter[str]:
    """Send the shot from many clients at once; returns how often each status was answered."""
    answers: Counter[str] = Counter()
    until = time.monotonic() + seconds

    async def ask(number: int) -> None:
        address = "198.51.100.7" if number % 2 else f"203.0.{number}.{random.randint(1, 250)}"
        wire = shot.render(address)
        while time.monotonic() < until:
            try:
                answers[await asyncio.wait_for(send(port, wire), ANSWER_LIMIT_S)] += 1
            except (OSError, TimeoutError, asyncio.IncompleteReadError):
                answers["none"] += 1

    await asyncio.gather(*(ask(number) for number in range(clients)))
    return answers


async def send(port: int, wire: bytes) -> str:
    """Return the status of one answer; a 503 that names no time to come back is ``503!``."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        writer.write(wire)
        with contextlib.suppress(ConnectionError):
            await writer.drain()
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
        with contextlib.suppress(ConnectionError):
            await reader.read()
    finally:
        writer.close()
    status = head.split(" ", 2)[1]
    return status if status != "503" or "\nretry-after:" in head.lower() else "503!"


class Probes:
    """Asks for health and repeats a good notice while a flood runs; keeps the slowest answers."""

    def __init__(self, stack: Stack, payer: Student, order: dict[str, object]) -> None:
        self._stack, self._payer, self._order = stack, payer, order
        self._ended = threading.Event()
        self.health_s: list[float] = []
        self.callback_s: list[float] = []
        self._threads = [
            threading.Thread(target=self._repeat, args=each)
            for each in ((self._ask_health, self.health_s), (self._repeat_notice, self.callback_s))
        ]

    def _repeat(self, probe: object, times: list[float]) -> None:
        while True:
            start = time.monotonic()
            probe()  # type: ignore[operator]
            times.append(time.monotonic() - start)
            if self._ended.wait(0.2):
                return

    def _ask_health(self) -> None:
        assert HTTP.get(f"{self._stack.url}/healthz", timeout=ANSWER_LIMIT_S).status_code == 200

    def _repeat_notice(self) -> None:
        before = self._count_deliveries()
        self._payer.pay(self._order)
        wait_until(lambda: self._count_deliveries() > before, ANSWER_LIMIT_S, "notice is answered")

    def _count_deliveries(self) -> int:
        chosen = {"out_trade_no": str(self._order["out_trade_no"])}
        address = f"{self._stack.sandbox_url}/control/deliveries"
        items = HTTP.get(address, params=chosen, timeout=ANSWER_LIMIT_S).json()["items"]
        return sum(1 for each in items if each["status"] in {200, 204})

    def __enter__(self) -> Self:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        for thread in self._threads:
            thread.join()


@contextlib.contextmanager
def run_house() -> Iterator[House]:
    """Run the service, with one student whose order is paid."""
    with (
        tempfile.TemporaryDirectory() as folder,
        run_stack(Path(folder), CAIJI_TRUSTED_PROXIES="1") as stack,
    ):
        payer = Student(stack, stack.students()[0]).sign_in().bind()
        payer.wait_for_verdict(payer.upload(jpeg_bytes()).json()["data"]["id"])
        order = payer.open_order()
        payer.pay(order)
        payer.wait_for_status("uploaded")
        yield stack, payer, order


def run_route(
    house: House, name: str, *, clients: int, seconds: float, patience: float = 1
) -> list[str]:
    """Flood one route, print its line, and return what was promised and missed.

    ``patience`` multiplies the promised times, for a machine that does other work as well.
    """
    stack, payer, order = house
    shot = list_shots(stack)[name]
    with Probes(stack, payer, order) as probes:
        answers = asyncio.run(flood(stack.port, shot, clients, seconds))
    health_s, callback_s = max(probes.health_s), max(probes.callback_s)
    statuses = ", ".join(f"{status} x {count}" for status, count in sorted(answers.items()))
    print(f"{name:13} health {health_s:5.2f} s  callback {callback_s:5.2f} s  {statuses}")
    missed = []
    if health_s > MAX_HEALTH_S * patience:
        missed.append(f"{name}: health took {health_s:.2f} s")
    if callback_s > MAX_CALLBACK_S * patience:
        missed.append(f"{name}: callback took {callback_s:.2f} s")
    bad = sorted(set(answers) & {"500", "502", "503!", "none"})
    return missed + [f"{name}: answered {status}" for status in bad]


def main() -> int:
    """Run every flood, or the one that was named."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--clients", type=int, default=200)
    parser.add_argument("--seconds", type=float, default=20)
    parser.add_argument("--route")
    args = parser.parse_args()
    missed = []
    with run_house() as house:
        for name in [args.route] if args.route else list_shots(house[0]):
            missed += run_route(house, name, clients=args.clients, seconds=args.seconds)
    for line in missed:
        print("missed:", line)
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
