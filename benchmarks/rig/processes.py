"""Processes of the house: fresh interpreters, or forks of one that has everything imported."""

from __future__ import annotations

import atexit
import contextlib
import json
import os
import select
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Protocol

ROOT = Path(__file__).parents[2]


class Process(Protocol):
    """What tests ask of a process; ``subprocess.Popen`` has it, and so does ``Born``."""

    @property
    def pid(self) -> int: ...
    def poll(self) -> int | None: ...
    def wait(self, timeout: float | None = None) -> int: ...
    def send_signal(self, sig: int) -> None: ...


NURSERY = "TEST_NURSERY"


class Nursery:
    """A connection to the running ``benchmarks.rig.nursery``, made with the first birth.

    Who finds none in the environment starts it, for all that inherit the environment from then on;
    it ends with the last of them.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._socket: socket.socket | None = None
        self._answers: Any = None

    def connect(self) -> None:
        if self._socket is None:
            address = os.environ.get(NURSERY) or self._start()
            self._socket = socket.socket(socket.AF_UNIX)
            self._socket.connect(address)
            self._answers = self._socket.makefile("r")
            atexit.register(self._socket.close)
            atexit.register(self._answers.close)

    def ask(self, **request: Any) -> Any:
        with self._lock:
            self.connect()
            assert self._socket is not None
            self._socket.sendall(f"{json.dumps(request)}\n".encode())
            return json.loads(self._answers.readline())

    def _start(self) -> str:
        folder = tempfile.mkdtemp(prefix="caiji-nursery-")
        address = f"{folder}/door"
        with socket.socket(socket.AF_UNIX) as door:
            door.bind(address)
            door.listen()
            command = [sys.executable, "-m", "benchmarks.rig.nursery", str(door.fileno())]
            process = subprocess.Popen(command, cwd=ROOT, pass_fds=[door.fileno()])
        os.environ[NURSERY] = address
        atexit.register(self._end, process, folder)
        return address

    @staticmethod
    def _end(process: subprocess.Popen[bytes], folder: str) -> None:
        """Wait for the nursery, which every connection has left by now."""
        shutil.rmtree(folder)
        process.wait(60)  # it may still be importing


class Born:
    """A process that the nursery has forked."""

    def __init__(self, nursery: Nursery, pid: int) -> None:
        self._nursery = nursery
        self.pid = pid

    def poll(self) -> int | None:
        code: int | None = self._nursery.ask(pid=self.pid)
        return code

    def wait(self, timeout: float | None = None) -> int:
        with contextlib.suppress(ProcessLookupError):
            fd = os.pidfd_open(self.pid)
            try:
                if not select.select([fd], [], [], timeout)[0]:
                    raise subprocess.TimeoutExpired(str(self.pid), timeout or 0)
            finally:
                os.close(fd)
        while (code := self.poll()) is None:
            pass  # it has ended; the nursery is about to hear of it
        return code

    def send_signal(self, sig: int) -> None:
        if self.poll() is None:
            os.kill(self.pid, sig)


_nursery: Nursery | None = None


def share_imports() -> Nursery:
    """Let every process of this run be a fork, unless it is asked for fresh."""
    global _nursery  # noqa: PLW0603 - a run has one nursery
    _nursery = _nursery or Nursery()
    return _nursery


def start_process(
    *argv: str,
    env: dict[str, str],
    stdout: Path | str = os.devnull,
    stderr: Path | str | None = None,
) -> Process:
    """Start ``python -m NAME ARGUMENT...`` in a session of its own, or as a fork of the nursery."""
    stderr = stderr or stdout
    if _nursery is not None:
        files = {"stdout": str(stdout), "stderr": str(stderr)}
        return Born(_nursery, _nursery.ask(argv=argv, env=env, cwd=str(ROOT), **files))
    return _start_fresh([sys.executable, "-m", *argv], env, stdout, stderr)


def start_line(line: str, *, env: dict[str, str], stdout: Path) -> Process:
    """Start a line of the Procfile as a platform does: by a shell, as interpreters of its own."""
    return _start_fresh(["sh", "-c", f"exec {line}"], env, stdout, stdout)


def _start_fresh(
    argv: list[str], env: dict[str, str], stdout: Path | str, stderr: Path | str
) -> Process:
    with Path(stdout).open("ab") as out, Path(stderr).open("ab") as err:
        return subprocess.Popen(
            argv,
            cwd=ROOT,
            env=env,
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=err,
            start_new_session=True,
        )


def run_process(
    *argv: str, env: dict[str, str], timeout_s: float = 120
) -> subprocess.CompletedProcess[str]:
    """Run ``python -m NAME ARGUMENT...`` to its end; what it said and its exit status."""
    with tempfile.TemporaryDirectory() as folder:
        out, err = Path(folder) / "out", Path(folder) / "err"
        process = start_process(*argv, env=env, stdout=out, stderr=err)
        with ended(process):
            code = process.wait(timeout_s)
        return subprocess.CompletedProcess(argv, code, out.read_text(), err.read_text())


@contextlib.contextmanager
def ended(process: Process) -> Iterator[None]:
    """Whatever happens, the process does not outlive this."""
    try:
        yield
    finally:
        if process.poll() is None:
            process.send_signal(signal.SIGKILL)
