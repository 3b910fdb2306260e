"""The whole service as real processes on free ports: web, worker and the simulated WeChat."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import sys
import time
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx

from benchmarks.rig.backends import reserve_port
from benchmarks.rig.processes import Process, run_process, start_process

START_TIMEOUT_S = 60
CHEAP = {"CAIJI_CHECK_WORKERS": "1", "CAIJI_PASSWORD_MEMORY_KIB": "8"}
"""What keeps an installation for tests small."""
TLS = httpx.create_ssl_context()
"""One for all: making one reads every authority that the system trusts."""
HTTP = httpx.Client(verify=TLS, limits=httpx.Limits(max_keepalive_connections=0))


def wait_until(question: Any, timeout_s: float = 60, what: str = "condition") -> Any:
    """Return the first true answer of ``question``; fails after ``timeout_s``.

    It is asked less often the longer it takes: a student may ask 240 times a minute.
    """
    deadline = time.monotonic() + timeout_s
    pause_s = 0.05
    while time.monotonic() < deadline:
        answer = question()
        if answer:
            return answer
        time.sleep(pause_s)
        pause_s = min(pause_s * 1.2, 0.4)
    raise AssertionError(f"{what}: not within {timeout_s} s")


@dataclass
class Stack:
    """Starts, kills and restarts the processes of one installation in ``folder``."""

    folder: Path
    extra: dict[str, str] = field(default_factory=dict)
    port: int = field(default_factory=reserve_port)
    sandbox_port: int = field(default_factory=reserve_port)
    password: str = ""
    processes: dict[str, Process] = field(default_factory=dict)
    clients: list[httpx.Client] = field(default_factory=list)
    everyone: list[dict[str, str]] = field(default_factory=list)
    _strangers: list[dict[str, str]] = field(default_factory=list)
    _taken: int = 0

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def sandbox_url(self) -> str:
        return f"http://127.0.0.1:{self.sandbox_port}"

    @property
    def environment(self) -> dict[str, str]:
        return {
            "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
            "HOME": os.environ.get("HOME", "/"),
            "LANG": "C.UTF-8",
            "CAIJI_DEMO": "1",
            "CAIJI_DATA_DIR": str(self.folder),
            "CAIJI_SANDBOX_DATA": str(self.folder / "sandbox"),
            "PORT": str(self.port),
            "SANDBOX_PORT": str(self.sandbox_port),
            **self.extra,
        }

    def flask(self, *arguments: str, is_strict: bool = True) -> str:
        """Run a command; ``is_strict`` wants the exit status 0."""
        done = run_process("flask", *arguments, env=self.environment)
        assert done.returncode == 0 or not is_strict, done.stdout + done.stderr
        return done.stdout

    def prepare(self) -> None:
        """Make the demo; the second one of a process is a copy of the first, keys and all."""
        is_like_the_first = "CAIJI_DATABASE_URL" not in self.extra and not self._read_files()
        if is_like_the_first and _first_demo:
            _first_demo[0].write_to(self)
            return
        lines = self.flask("demo", "prepare").splitlines()
        self.password = next(line.split()[1] for line in lines if line.startswith("reviewer "))
        if is_like_the_first:
            _first_demo.append(Demo(str(self.folder), self.password, self._read_files()))

    def _read_files(self) -> dict[Path, tuple[int, bytes]]:
        """Mode and content of every file."""
        files = [path for path in self.folder.rglob("*") if path.is_file()]
        return {
            path.relative_to(self.folder): (path.stat().st_mode, path.read_bytes())
            for path in files
        }

    @property
    def commands(self) -> dict[str, list[str]]:
        return {
            "web": ["gunicorn", "--bind", f"127.0.0.1:{self.port}", "wsgi:app"],
            "worker": ["server.worker"],
            "sandbox": [
                *("sandbox", "--port", str(self.sandbox_port)),
                *("--data", str(self.folder / "sandbox"), "--server-url", self.url),
            ],
        }

    def start(self, *names: str) -> None:
        for name in names or self.commands:
            self.launch(name)
        for name in names or self.commands:
            self._wait_for(name)

    def launch(self, name: str) -> None:
        """Start one process without waiting for it."""
        self.processes[name] = start_process(
            *self.commands[name.partition("-")[0]],
            env=self.environment,
            stdout=self.folder / f"{name}.log",
        )

    def _wait_for(self, name: str) -> None:
        def is_up() -> bool:
            assert self.processes[name].poll() is None, self.read_log(name)[-3000:]
            if name.startswith("worker"):
                return "worker_started" in self.read_log(name)
            address = f"{self.url}/healthz" if name == "web" else f"{self.sandbox_url}/control/keys"
            with contextlib.suppress(httpx.HTTPError):
                return HTTP.get(address, timeout=2).status_code == 200
            return False

        wait_until(is_up, START_TIMEOUT_S, f"{name} starts")

    def read_log(self, name: str) -> str:
        path = self.folder / f"{name}.log"
        return path.read_text(errors="replace") if path.exists() else ""

    def kill(self, name: str, signal_number: int = signal.SIGKILL) -> None:
        """End one process with all its children, as ``kill -9`` of its group does."""
        process = self.processes.pop(name)
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal_number)
        process.wait(timeout=60)
        if signal_number == signal.SIGKILL:
            (self.folder / f"{name}.log").rename(self.folder / f"{name}.{process.pid}.log")

    def stop(self) -> None:
        for client in self.clients:
            client.close()
        for name in list(self.processes):
            self.kill(name, signal.SIGTERM)

    def students(self) -> list[dict[str, str]]:
        """The students whom the demo began with."""
        if not self.everyone:
            lines = self.flask("demo", "students").splitlines()
            self.everyone.extend(json.loads(line) for line in lines)
        return list(self.everyone)

    def take_students(self, count: int) -> list[dict[str, str]]:
        """Return studying people whom nobody took before, so that no two tests meet in one."""
        if not self._taken:
            self._strangers = [p for p in self.students() if p["enrolment_status"] == "在籍"]
        taken = self._strangers[self._taken : self._taken + count]
        assert len(taken) == count, "no student is left that nobody took"
        self._taken += count
        return taken


@dataclass(frozen=True)
class Demo:
    """The files of an installation that was prepared in ``folder`` and never started."""

    folder: str
    password: str
    files: dict[Path, tuple[int, bytes]]

    def write_to(self, stack: Stack) -> None:
        """Write them into another folder, whose name then stands where the first one's stood."""
        for name, (mode, content) in self.files.items():
            path = stack.folder / name
            path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            path.touch()
            path.chmod(mode)
            is_named = name == Path("demo.env")
            there = str(stack.folder).encode()
            path.write_bytes(content.replace(self.folder.encode(), there) if is_named else content)
        stack.password = self.password


_first_demo: list[Demo] = []


@contextlib.contextmanager
def run_stack(folder: Path, **extra: str) -> Iterator[Stack]:
    stack = Stack(folder, {**CHEAP, **extra})
    stack.prepare()
    try:
        stack.start()
        yield stack
    finally:
        stack.stop()


class Student:
    """One phone at the real API and the simulated WeChat."""

    def __init__(self, stack: Stack, student: dict[str, str], user: str = "") -> None:
        self.stack = stack
        self.student = student
        self.user = user or uuid.uuid4().hex
        self.http = httpx.Client(base_url=f"{stack.url}/api/v1", timeout=20, verify=TLS)
        stack.clients.append(self.http)
        self.enrolment_id = ""

    def sign_in(self) -> Student:
        code = self.control("login-code", user=self.user)["code"]
        token = self.http.post("/login", json={"code": code}).json()["data"]["token"]
        self.http.headers["Authorization"] = f"Bearer {token}"
        return self

    def control(self, name: str, /, **body: Any) -> Any:
        answer = HTTP.post(f"{self.stack.sandbox_url}/control/{name}", json=body, timeout=20)
        assert answer.status_code < 300, answer.text
        return answer.json() if answer.content else {}

    def bind(self, code: str = "y0814v") -> Student:
        version = self.http.get(f"/codes/{code}").json()["data"]["consent"]["version"]
        body = {
            "feature_code": code,
            "name": self.student["name"],
            "id_number": self.student["id_number"],
            "consent_version": version,
        }
        answer = self.http.post("/enrolments", json=body)
        assert answer.status_code == 200, answer.text
        self.enrolment_id = answer.json()["data"]["id"]
        return self

    def upload(self, data: bytes) -> httpx.Response:
        return self.http.post(
            f"/enrolments/{self.enrolment_id}/photos", files={"photo": ("a.jpg", data)}
        )

    def wait_for_verdict(self, photo_id: str, timeout_s: float = 60) -> Any:
        def ask() -> Any:
            with contextlib.suppress(httpx.HTTPError):
                answer = self.http.get(f"/photos/{photo_id}")
                if answer.status_code == 200 and answer.json()["data"]["verdict"]:
                    return answer.json()["data"]
            return None

        return wait_until(ask, timeout_s, "verdict")

    def enrolment(self) -> Any:
        """Raises httpx.HTTPStatusError: 503, or 429 for who asks without end."""
        return self.http.get(f"/enrolments/{self.enrolment_id}").raise_for_status().json()["data"]

    def open_order(self) -> Any:
        answer = self.http.post(f"/enrolments/{self.enrolment_id}/order")
        assert answer.status_code == 200, answer.text
        return answer.json()["data"]

    def pay(self, order: Any, *faults: str) -> None:
        prepay_id = order["payment"]["package"].removeprefix("prepay_id=")
        self.control("pay", prepay_id=prepay_id, faults=list(faults))

    def wait_for_status(self, value: str, timeout_s: float = 60) -> Any:
        return self.wait_for(
            f"status {value}", lambda data: data["status"]["value"] == value, timeout_s
        )

    def wait_for(self, what: str, is_so: Callable[[Any], bool], timeout_s: float = 30) -> Any:
        """Return the enrolment once it is so; what the server refuses meanwhile is asked again."""

        def ask() -> Any:
            with contextlib.suppress(httpx.HTTPError):
                data = self.enrolment()
                return data if is_so(data) else None

        return wait_until(ask, timeout_s, what)
