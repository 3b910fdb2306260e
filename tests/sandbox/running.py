"""The simulated WeChat as a process of its own, and a merchant's address that takes its notices."""

from __future__ import annotations

import contextlib
import http.server
import os
import queue
import signal
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx

from benchmarks.rig.backends import reserve_port
from benchmarks.rig.processes import Process, start_process
from benchmarks.rig.stack import wait_until

KEPT = {
    "v3": (204, b""),
    "v2": (200, b"<xml><return_code>SUCCESS</return_code><return_msg>OK</return_msg></xml>"),
}
HTTP = httpx.Client(limits=httpx.Limits(max_keepalive_connections=0))
BUSY = (503, b'{"code":"FAIL","message":"later"}')


@dataclass
class Sandbox:
    """``python -m sandbox`` on a free port with its data in ``folder``."""

    folder: Path
    port: int = field(default_factory=reserve_port)
    process: Process | None = None
    options: tuple[str, ...] = ()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def start(self) -> None:
        command = ["sandbox", "--port", str(self.port), "--data", str(self.folder)]
        self.process = start_process(*command, *self.options, env=dict(os.environ))

        def is_up() -> bool:
            with contextlib.suppress(httpx.HTTPError):
                return HTTP.get(f"{self.url}/control/keys", timeout=2).status_code == 200
            return False

        wait_until(is_up, 60, "the sandbox starts")

    def stop(self, signal_number: int = signal.SIGTERM) -> None:
        assert self.process is not None
        self.process.send_signal(signal_number)
        self.process.wait(timeout=30)

    def control(self, name: str, /, **body: Any) -> Any:
        answer = HTTP.post(f"{self.url}/control/{name}", json=body, timeout=20)
        assert answer.status_code < 300, answer.text
        return answer.json()

    def ask(self, name: str, **query: str) -> Any:
        return HTTP.get(f"{self.url}/control/{name}", params=query, timeout=20).json()

    def deliveries(self, out_trade_no: str) -> list[dict[str, Any]]:
        items: list[dict[str, Any]] = self.ask("deliveries", out_trade_no=out_trade_no)["items"]
        return items

    def make_openid(self, user: str) -> str:
        keys = self.ask("keys")
        answer = HTTP.get(
            f"{self.url}/sns/jscode2session",
            params={
                "appid": keys["app_id"],
                "secret": keys["app_secret"],
                "js_code": self.control("login-code", user=user)["code"],
                "grant_type": "authorization_code",
            },
            timeout=20,
        )
        openid: str = answer.json()["openid"]
        return openid


@dataclass
class Shop:
    """A merchant's notify_url. ``answers`` are given in turn, then ``otherwise`` for ever."""

    version: str
    otherwise: tuple[int, bytes] = BUSY
    answers: queue.SimpleQueue[tuple[int, bytes]] = field(default_factory=queue.SimpleQueue)
    notices: queue.SimpleQueue[tuple[dict[str, str], bytes]] = field(
        default_factory=queue.SimpleQueue
    )
    url: str = ""

    def next_notice(self) -> tuple[dict[str, str], bytes]:
        return self.notices.get(timeout=20)


@contextlib.contextmanager
def open_shop(version: str) -> Iterator[Shop]:
    shop = Shop(version, otherwise=KEPT[version])

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            try:
                status, answer = shop.answers.get_nowait()
            except queue.Empty:
                status, answer = shop.otherwise
            shop.notices.put((dict(self.headers), body))
            self.send_response(status)
            self.send_header("Content-Length", str(len(answer)))
            self.end_headers()
            self.wfile.write(answer)

        def log_message(self, *_arguments: object) -> None:
            """Say nothing."""

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        shop.url = f"http://127.0.0.1:{server.server_address[1]}/notify"
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield shop
        server.shutdown()
        thread.join()
