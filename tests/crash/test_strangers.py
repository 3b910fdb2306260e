"""Strangers with a laptop: floods and slow clients hold neither health nor callbacks up."""

from __future__ import annotations

import contextlib
import socket
import time
from collections.abc import Callable, Iterator
from http.client import HTTPConnection

import pytest

from benchmarks.flood import (
    MAX_CALLBACK_S,
    MAX_HEALTH_S,
    House,
    Probes,
    run_house,
    run_route,
)
from server.gunicorn_worker import ARRIVAL_S, has_arrived
from tests.rounds import few

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]
PATIENCE = 4
"""Other tests share the machine; who is held up by a slow client waits ten seconds and more."""
SLOW_CLIENTS = 120
"""More than a web process has threads."""
A_THOUSAND = 1100
KEPT_IDLE_S = 15
"""``keepalive`` of gunicorn.conf.py."""
UPLOAD = "/api/v1/enrolments/00000000-0000-7000-8000-000000000000/photos"
HEADS = {
    "half a head": "GET /status HTTP/1.1\r\nHost: a\r\nX-Slow: ",
    "half a form": "POST /status HTTP/1.1\r\nHost: a\r\nContent-Length: 900\r\n\r\nstudent_no=",
    "half a notice": "POST /pay/notify/v3 HTTP/1.1\r\nHost: a\r\nContent-Length: 900\r\n\r\n{",
    "large notice": "POST /pay/notify/v3 HTTP/1.1\r\nHost: a\r\nContent-Length: 900000\r\n\r\n{",
    "chunks": "POST /pay/notify/v3 HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n",
    "half a photo": f"POST {UPLOAD} HTTP/1.1\r\nHost: a\r\nContent-Length: 900000\r\n\r\n--x",
    "one and a half": "GET /healthz HTTP/1.1\r\nHost: a\r\n\r\nGET /heal",
    "no reader": "GET /openapi.json HTTP/1.1\r\nHost: a\r\n\r\n",
    "silence": "",
}
FEW = ("half a head", "half a form", "large notice", "no reader")
"""One for each way in which a thread could be held; the others run with the long rounds."""


@pytest.fixture(scope="module")
def house() -> Iterator[House]:
    with run_house() as running:
        yield running


def connect(port: int, head: str) -> socket.socket:
    client = socket.socket()
    client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2048)
    client.connect(("127.0.0.1", port))
    client.sendall(head.encode())
    return client


@pytest.mark.parametrize(
    "kind",
    few(HEADS, lambda kind: kind in FEW),
)
def test_slow_clients_hold_nobody_up(house: House, kind: str) -> None:
    stack, payer, order = house
    with contextlib.ExitStack() as stay:
        clients = [
            stay.enter_context(connect(stack.port, HEADS[kind])) for _ in range(SLOW_CLIENTS)
        ]
        with Probes(stack, payer, order) as probes:
            for _ in range(3):
                time.sleep(0.3)
                for client in clients:
                    with contextlib.suppress(OSError):
                        client.send(b"x") if kind not in {"silence", "no reader"} else None
    assert max(probes.health_s) < MAX_HEALTH_S * PATIENCE
    assert max(probes.callback_s) < MAX_CALLBACK_S * PATIENCE


@pytest.mark.parametrize(
    "wire",
    [
        pytest.param(b"GET / HTTP/1.1\r\nX: " + b"a" * 100_000 + b"\r\n\r\n", id="huge header"),
        pytest.param(b"GET /" + b"a" * 10_000 + b" HTTP/1.1\r\nHost: a\r\n\r\n", id="long path"),
        pytest.param(b"GET / HTTP/1.1\r\n" + b"X: 1\r\n" * 500 + b"\r\n", id="many headers"),
        pytest.param(b"\x16\x03\x01\x02\x00\x01\x00\r\n\r\n", id="tls"),
        pytest.param(b"GET / HTTP/9.9\r\nHost: a\r\n\r\n", id="version"),
        pytest.param(b"GET / HTTP/1.1\r\nHost: \x00\xff\r\n\r\n", id="host"),
        pytest.param(
            b"POST /pay/notify/v3 HTTP/1.1\r\nHost: a\r\nContent-Length: -1\r\n\r\n{}",
            id="negative length",
        ),
        pytest.param(
            b"POST /pay/notify/v3 HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n"
            b"Content-Length: 3\r\n\r\n{}}",
            id="two lengths",
        ),
        *[
            pytest.param(
                f"POST {path} HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
                f"{chunk}".encode(),
                id=f"{name} at {path}",
            )
            for path in ("/pay/notify/v3", "/pay/notify/v2", "/api/v1/login", "/status")
            for name, chunk in (
                ("no hex", "zz\r\n{}\r\n0\r\n\r\n"),
                ("huge size", "ffffffffffffffffff\r\n{}\r\n"),
                ("negative size", "-5\r\n{}\r\n0\r\n\r\n"),
                ("no end", "2\r\n{}XX0\r\n\r\n"),
            )
        ],
    ],
)
def test_broken_requests_get_a_refusal(house: House, wire: bytes) -> None:
    """Whatever goes over the wire: an answer below 500, or a closed connection."""

    def send_whole() -> bytes:
        answer = b""
        with socket.create_connection(("127.0.0.1", house[0].port), timeout=60) as client:
            with contextlib.suppress(ConnectionError):
                client.sendall(wire)
                client.shutdown(socket.SHUT_WR)
            with contextlib.suppress(ConnectionError):
                answer = client.recv(4096)
        return answer

    answer = ask_until_there_is_room(send_whole)
    assert not answer or 200 <= int(answer.split(b" ", 2)[1]) < 500, answer[:200]


def ask_until_there_is_room(ask: Callable[[], bytes]) -> bytes:
    """The slow clients of another test may still have their places: who is told so comes back."""
    deadline = time.monotonic() + 60
    while (answer := ask()).startswith(b"HTTP/1.1 503") and b"Retry-After" in answer:
        assert time.monotonic() < deadline, "the places of those who hung up are not given back"
        time.sleep(1)
    return answer


@pytest.mark.long
def test_connection_that_asked_a_thousand_times_ends_like_any_other(house: House) -> None:
    """A proxy keeps its connections: nginx closes one after its thousandth request."""
    stack = house[0]
    with contextlib.closing(HTTPConnection("127.0.0.1", stack.port, timeout=20)) as proxy:
        for _ in range(A_THOUSAND):
            proxy.request("GET", "/version")
            assert proxy.getresponse().read()
        time.sleep(KEPT_IDLE_S + 3)
    assert "RecursionError" not in stack.read_log("web")


@pytest.mark.parametrize("kind", ["half a head", "half a notice"])
def test_client_that_hangs_up_in_the_middle_is_let_go_at_once(house: House, kind: str) -> None:
    """And not looked at again and again until its ten seconds are over."""

    def hang_up() -> bytes:
        answer = b""
        with connect(house[0].port, HEADS[kind]) as client:
            client.shutdown(socket.SHUT_WR)
            client.settimeout(ARRIVAL_S - 2)
            with contextlib.suppress(ConnectionError):
                answer = client.recv(4096)
        return answer

    answer = ask_until_there_is_room(hang_up)
    assert not answer or 400 <= int(answer.split(b" ", 2)[1]) < 500, answer[:200]


@pytest.mark.long
def test_half_a_head_loses_its_connection_in_time(house: House) -> None:
    with connect(house[0].port, HEADS["half a head"]) as client:
        client.settimeout(15)
        with contextlib.suppress(ConnectionResetError):  # it had sent what nobody read
            assert client.recv(1) == b""


@pytest.mark.long
@pytest.mark.parametrize(
    "route", ["sign-in", "sign-in page", "status", "login", "code", "upload", "notice"]
)
def test_flood_of_one_route_leaves_health_and_callbacks_alone(house: House, route: str) -> None:
    assert run_route(house, route, clients=200, seconds=5, patience=PATIENCE) == []


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (b"", False),
        (b"GET / HTTP/1.1\r\nHost: a\r\n", False),
        (b"GET / HTTP/1.1\r\nHost: a\r\n\r\n", True),
        (b"POST / HTTP/1.1\r\nContent-Length: 3\r\n\r\nab", False),
        (b"POST / HTTP/1.1\r\ncontent-LENGTH:3\r\n\r\nabc", True),
        (b"POST / HTTP/1.1\r\nContent-Length: 99999999\r\n\r\n", True),
        (b"POST / HTTP/1.1\r\nContent-Length: 3\r\nExpect: 100-continue\r\n\r\n", True),
        (b"POST / HTTP/1.1\r\nContent-Length: many\r\n\r\n", True),
        (b"x" * 200_000, True),
    ],
)
def test_a_thread_is_given_to_what_has_arrived(data: bytes, expected: object) -> None:
    assert has_arrived(data) is expected
