"""A web server on an ephemeral port whose answers a test writes."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


@dataclass(frozen=True)
class Request:
    method: str
    path: str
    headers: dict[str, str]
    body: bytes


@dataclass(frozen=True)
class Reply:
    status: int = 200
    body: bytes = b""
    headers: dict[str, str] = field(default_factory=dict)
    drip_s: float = 0.0  # pause between single bytes
    hang_s: float = 0.0  # pause before anything


Answerer = Callable[[Request], Reply]


class Stub:
    """The running server: set `answer`, read `requests`."""

    def __init__(self, port: int) -> None:
        self.url = f"http://127.0.0.1:{port}"
        self.requests: list[Request] = []
        self.answer: Answerer = lambda _request: Reply(404)


@contextmanager
def run_stub() -> Iterator[Stub]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def handle_any(self) -> None:
            size = int(self.headers.get("Content-Length") or 0)
            request = Request(
                self.command,
                self.path,
                {name.lower(): value for name, value in self.headers.items()},
                self.rfile.read(size),
            )
            stub.requests.append(request)
            reply = stub.answer(request)
            time.sleep(reply.hang_s)
            try:
                self.send_reply(reply)
            except OSError:
                self.close_connection = True

        do_GET = do_POST = handle_any  # noqa: N815

        def send_reply(self, reply: Reply) -> None:
            self.send_response_only(reply.status)
            for name, value in reply.headers.items():
                self.send_header(name, value)
            if reply.status != 204:
                self.send_header("Content-Length", str(len(reply.body)))
            self.end_headers()
            if not reply.drip_s:
                self.wfile.write(reply.body)
                return
            for position in range(len(reply.body)):
                self.wfile.write(reply.body[position : position + 1])
                self.wfile.flush()
                time.sleep(reply.drip_s)

        def log_message(self, *_arguments: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    server.handle_error = lambda *_arguments: None  # type: ignore[method-assign]
    stub = Stub(server.server_address[1])
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield stub
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
