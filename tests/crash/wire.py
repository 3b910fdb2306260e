"""A wire to a TCP server that can be cut, made deaf or slowed down while the service runs."""

from __future__ import annotations

import contextlib
import socket
import threading
import time
from typing import Literal, Self

State = Literal["whole", "cut", "deaf", "slow"]
SLOW_S = 0.4


class Wire:
    """Forwards connections to ``target_port`` as its state allows.

    ``cut``: connections end at once. ``deaf``: they are taken, and nothing ever answers.
    ``slow``: every answer begins late.
    """

    def __init__(self, target_port: int) -> None:
        self._target_port = target_port
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self.state: State = "whole"
        self._open: set[socket.socket] = set()
        self._thread = threading.Thread(target=self._accept, daemon=True)

    def become(self, state: State) -> None:
        """Change at once, also for connections that exist."""
        self.state = state
        if state == "cut":
            for each in list(self._open):
                _shut(each)

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                if self.state == "cut":
                    client.close()
                    continue
                with contextlib.suppress(OSError):
                    server = socket.create_connection(("127.0.0.1", self._target_port), 5)
                    server.settimeout(None)
                    self._open |= {client, server}
                    for source, sink in ((client, server), (server, client)):
                        answers = source is server
                        threading.Thread(
                            target=self._pump, args=(source, sink, answers), daemon=True
                        ).start()

    def _pump(self, source: socket.socket, sink: socket.socket, answers: bool) -> None:  # noqa: FBT001
        with contextlib.suppress(OSError):
            while data := source.recv(1 << 16):
                if answers and self.state == "slow":
                    time.sleep(SLOW_S)
                while self.state == "deaf":
                    time.sleep(0.05)
                sink.sendall(data)
        for each in (source, sink):
            _shut(each)
            self._open.discard(each)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.become("cut")
        _shut(self._listener)


def _shut(connection: socket.socket) -> None:
    with contextlib.suppress(OSError):
        connection.shutdown(socket.SHUT_RDWR)
    connection.close()
