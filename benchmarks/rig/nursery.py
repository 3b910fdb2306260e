"""Has the house imported once, and forks a process for each that is asked for.

    python -m benchmarks.rig.nursery FD

Importing costs two seconds of processor time a process, which a fork saves; what is born here is
an own process in an own session all the same, and dies of ``kill -9`` like any other. Only
``python -m NAME ARGUMENT...`` can be born. FD is a listening Unix socket: whoever connects sends
requests and reads answers, lines of JSON. When a connection is closed, whoever was born by it and
still lives is killed; with the last connection the nursery ends.

Nothing may be done here but importing: a thread, a connection or a random number made before the
fork would be shared by all. Modules that start something when imported stay out (``wsgi``), and so
does what runs as ``__main__``.
"""

from __future__ import annotations

import atexit
import contextlib
import gc
import importlib
import json
import os
import runpy
import select
import signal
import socket
import sys
import threading
import traceback
from pathlib import Path
from typing import IO, Any, NoReturn

from benchmarks.rig.templates import share_templates

PRELOADED = (
    *("server.app", "server.cli", "server.duties", "server.sweepers", "server.gunicorn_worker"),
    *("sandbox.control", "sandbox.courier", "sandbox.pay_v2", "sandbox.pay_v3"),
    *("gunicorn.app.wsgiapp", "flask.cli", "imagecheck.isolated", "alembic.command"),
    *("boto3", "server.gateways.s3_photo_store"),
)
DEFAULT_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGCHLD)

Request = dict[str, Any]


class Nursery:
    """Forks on request, and remembers how each child ended."""

    def __init__(self, fd: int) -> None:
        self._door = socket.socket(fileno=fd)
        self._parents: dict[socket.socket, IO[str]] = {}
        self._children: dict[socket.socket, set[int]] = {}
        self._returncodes: dict[int, int | None] = {}

    def serve(self) -> Request | None:
        """Answer until the last parent leaves; return the request that a child has to run."""
        woken, waker = os.pipe()
        os.set_blocking(woken, False)
        os.set_blocking(waker, False)
        signal.set_wakeup_fd(waker, warn_on_full_buffer=False)
        signal.signal(signal.SIGCHLD, lambda *_: None)
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        self._welcome()
        while self._parents:
            ready, _, _ = select.select([self._door, woken, *self._parents], [], [])
            if woken in ready:
                os.read(woken, 4096)
            self._bury()
            if self._door in ready:
                self._welcome()
            for parent in self._parents.keys() & set(ready):
                request = self._hear(parent)
                if request is None:
                    continue
                pid = os.fork()
                if pid == 0:
                    signal.set_wakeup_fd(-1)
                    os.close(woken)
                    os.close(waker)
                    self._door.close()
                    for each in list(self._parents):
                        self._close(each)
                    return request
                self._returncodes[pid] = None
                self._children[parent].add(pid)
                self._answer(parent, pid)
        return None

    def _welcome(self) -> None:
        parent, _ = self._door.accept()
        self._parents[parent] = parent.makefile("r")
        self._children[parent] = set()

    def _hear(self, parent: socket.socket) -> Request | None:
        """Return what asks for a birth; answer, or take leave, of what does not."""
        line = self._parents[parent].readline()
        if not line:
            self._kill(self._children.pop(parent))
            self._close(parent)
            return None
        request: Request = json.loads(line)
        if "argv" in request:
            return request
        self._answer(parent, self._returncodes.get(request["pid"]))
        return None

    def _close(self, parent: socket.socket) -> None:
        self._parents.pop(parent).close()
        parent.close()

    @staticmethod
    def _answer(parent: socket.socket, value: int | None) -> None:
        parent.sendall(f"{json.dumps(value)}\n".encode())

    def _bury(self) -> None:
        with contextlib.suppress(ChildProcessError):
            while True:
                pid, status = os.waitpid(-1, os.WNOHANG)
                if not pid:
                    return
                self._returncodes[pid] = os.waitstatus_to_exitcode(status)

    def _kill(self, pids: set[int]) -> None:
        for pid in pids:
            if self._returncodes[pid] is None:
                with contextlib.suppress(ProcessLookupError):
                    os.killpg(pid, signal.SIGKILL)


def become(request: Request) -> None:
    """Turn this child into the process that was asked for, and run it to its end."""
    os.setsid()
    for number in DEFAULT_SIGNALS:
        signal.signal(number, signal.default_int_handler if number == signal.SIGINT else 0)
    _redirect(0, os.devnull, os.O_RDONLY)
    for fd, name in ((1, "stdout"), (2, "stderr")):
        _redirect(fd, request[name], os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    os.environ.clear()
    os.environ.update(request["env"])
    os.chdir(request["cwd"])
    importlib.reload(sys.modules["server.failpoints"])  # the one that reads the environment
    module, *arguments = request["argv"]
    sys.argv = [module, *arguments]
    try:
        runpy.run_module(module, run_name="__main__", alter_sys=True)
    except SystemExit as ending:
        leave(ending.code)
    except BaseException:  # noqa: BLE001 - what an interpreter does with it
        traceback.print_exc()
        leave(1)
    leave(0)


def leave(status: Any) -> NoReturn:
    """End as an interpreter does, but for taking everything apart that was imported.

    That would copy every page that is shared with the nursery: half a second of processor time.
    """
    if status is not None and not isinstance(status, int):
        print(status, file=sys.stderr)
        status = 1
    threading._shutdown()  # type: ignore[attr-defined]  # noqa: SLF001 - waits for threads
    atexit._run_exitfuncs()  # noqa: SLF001
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(status or 0)


def _redirect(fd: int, path: str, flags: int) -> None:
    opened = os.open(path, flags, 0o644)
    os.dup2(opened, fd)
    os.close(opened)


if __name__ == "__main__":
    for preloaded in PRELOADED:
        importlib.import_module(preloaded)
    sys.path[0] = str(Path.cwd())
    share_templates()
    gc.collect()
    gc.freeze()  # no collection of a child looks at what was imported
    wanted = Nursery(int(sys.argv[1])).serve()
    if wanted is None:
        leave(0)
    become(wanted)
