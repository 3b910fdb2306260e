"""Four hosts, their cables pulled in the rush, an upgrade and a restore: nothing acknowledged goes.

Web and worker on two hosts, PostgreSQL and Redis on a third, the S3 double on a fourth; students,
the simulated WeChat and what stands for nginx on this machine. Each is a network namespace.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import psycopg
import pytest
import redis

from benchmarks.rig.backends import BackendMissing, reserve_port
from benchmarks.rig.machines import HERE, Network, make_network, run_postgres
from benchmarks.rig.portraits import phone_photo_bytes
from benchmarks.rig.processes import ROOT
from benchmarks.rig.stack import Student, wait_until
from tests.backends import S3_CREDENTIALS, create_bucket

pytestmark = [pytest.mark.long, pytest.mark.slow, pytest.mark.timeout(900)]
HOSTS = ("app1", "app2")
MIGRATIONS = "models/migrations/versions"
RUSH = 16
FIRST = 6
CUT_S = 15.0
PATIENCE_S = 150.0


@dataclass
class Site:
    """The installation as students and operators see it."""

    network: Network
    folder: Path
    postgres: str
    port: int = field(default_factory=reserve_port)
    sandbox_port: int = field(default_factory=reserve_port)
    clients: list[httpx.Client] = field(default_factory=list)
    people: list[dict[str, str]] = field(default_factory=list)
    running: dict[str, list[subprocess.Popen[bytes]]] = field(default_factory=dict)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def sandbox_url(self) -> str:
        return f"http://127.0.0.1:{self.sandbox_port}"

    def environment(
        self, host: str, database: str = "caiji", bucket: str = "photos"
    ) -> dict[str, str]:
        data, store = self.network.hosts["data"], self.network.hosts["store"]
        return {
            **S3_CREDENTIALS,
            "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
            "HOME": str(self.folder),
            "LANG": "C.UTF-8",
            "CAIJI_DEMO": "1",
            "CAIJI_DATA_DIR": str(self.folder / host),
            "CAIJI_SANDBOX_DATA": str(self.folder / "sandbox"),
            "PORT": str(self.port),
            "SANDBOX_PORT": str(self.sandbox_port),
            "CAIJI_PASSWORD_MEMORY_KIB": "8",
            "CAIJI_CHECK_WORKERS": "1",
            "WEB_CONCURRENCY": "1",
            "CAIJI_DATABASE_URL": f"postgresql+psycopg://caiji:word@{data}:5432/{database}",
            "CAIJI_QUEUE_URL": f"redis://{data}:6379/0",
            "CAIJI_RATE_LIMIT_URL": f"redis://{data}:6379/1",
            "CAIJI_PHOTO_STORE": f"s3://{bucket}/college?endpoint=http://{store}:5000",
        }

    def flask(
        self, *arguments: str, code: Path = ROOT, is_owner: bool = False, **place: str
    ) -> str:
        """Run a command on the first host, with ``is_owner`` as who owns the tables."""
        environment = self.environment("app1", **place)
        if is_owner:
            service = environment["CAIJI_DATABASE_URL"]
            environment["CAIJI_DATABASE_OWNER_URL"] = service.replace("caiji:word@", "postgres@")
        out = self.folder / "command.log"
        out.unlink(missing_ok=True)
        process = self.network.python(
            "app1", "flask", *arguments, env=environment, cwd=code, log=out
        )
        code_of_exit = process.wait(180)
        self.network.processes.remove(process)
        assert code_of_exit == 0, out.read_text()[-3000:]
        return out.read_text()

    def serve(self, host: str, code: Path = ROOT) -> None:
        """Start web and worker of a version on a host and wait until both are up."""
        log = self.folder / f"{host}-{code.name}.log"
        start = {"env": self.environment(host), "cwd": code, "log": log}
        bind = f"{self.network.hosts[host]}:8000"
        self.running[host] = [
            self.network.python(host, "gunicorn", "--bind", bind, "wsgi:app", **start),
            self.network.python(host, "server.worker", **start),
        ]

        def is_up() -> bool:
            assert all(each.poll() is None for each in self.running[host]), log.read_text()[-3000:]
            with contextlib.suppress(httpx.HTTPError):
                answer = httpx.get(f"http://{bind}/healthz", timeout=2)
                return answer.status_code == 200 and "worker_started" in log.read_text()
            return False

        wait_until(is_up, 90, f"{host} serves")

    def end(self, host: str) -> None:
        for process in self.running.pop(host):
            self.network.stop(process)

    def ask_health(self, host: str) -> bool:
        with contextlib.suppress(httpx.HTTPError):
            address = f"http://{self.network.hosts[host]}:8000/healthz"
            return httpx.get(address, timeout=1).status_code == 200
        return False


def ask_git(*arguments: str) -> list[str]:
    git = ["git", "-C", str(ROOT), "-c", f"safe.directory={ROOT}", *arguments]
    return subprocess.run(git, capture_output=True, text=True, check=False).stdout.split()


@pytest.fixture(scope="module")
def old_code(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The version before the last change of the schema, out of the repository's own history.

    A version with a migration that got another number later, because two lines of work met, is
    none that anybody runs; one that knows no lesser role of the database cannot live here.
    Where history has no other, the present version stands for it, and the schema stays as it is.
    """
    changes = ask_git("log", "--diff-filter=A", "-20", "--format=%H^", "--", MIGRATIONS)
    for version in (*changes, "HEAD"):
        names = ask_git("ls-tree", "--name-only", version, f"{MIGRATIONS}/")
        has_roles = ask_git("grep", "-l", "-e", "--create-role", version, "--", "server/cli")
        if names and has_roles and all((ROOT / name).exists() for name in names):
            folder = tmp_path_factory.mktemp("old")
            ask_git("archive", "-o", str(folder / "old.tar"), version)
            shutil.unpack_archive(folder / "old.tar", folder / "code")
            return folder / "code"
    raise BackendMissing("the repository's history, for a version to upgrade from")


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory, old_code: Path) -> Iterator[Site]:
    """The old version with the demo college, serving on both hosts.

    Old: what it does when a cable is pulled is not asked any more.
    """
    folder = tmp_path_factory.mktemp("machines")
    with contextlib.ExitStack() as life:
        network = life.enter_context(make_network())
        for name in (*HOSTS, "data", "store"):
            network.add_host(name)
        address = life.enter_context(run_postgres(network, "data"))
        site = Site(network, folder, address)
        life.callback(lambda: [client.close() for client in site.clients])
        start_backends(site)
        forward_ports(site)
        site.flask("db", "upgrade", "--create-role", code=old_code, is_owner=True)
        site.flask("demo", "prepare", code=old_code, is_owner=True)
        lines = site.flask("demo", "students", code=old_code).splitlines()
        site.people += [json.loads(line) for line in lines if line.startswith("{")]
        for name in HOSTS[1:]:
            # every host has the same keys
            (folder / name).mkdir()
            shutil.copy(folder / "app1" / "demo.env", folder / name / "demo.env")
        network.python(
            None,
            *("sandbox", "--port", str(site.sandbox_port), "--data", str(folder / "sandbox")),
            *("--server-url", site.url),
            env=site.environment("app1"),
            log=folder / "sandbox.log",
        )
        for name in HOSTS:
            site.serve(name, old_code)
        yield site


def start_backends(site: Site) -> None:
    network = site.network
    data, store = network.hosts["data"], network.hosts["store"]
    for name, command in (
        ("data", ("redis-server", "--bind", data, "--protected-mode", "no", "--save", "")),
        ("store", (sys.executable, "-m", "moto.server", "-H", store, "-p", "5000")),
    ):
        network.start(name, *command, cwd=site.folder)

    def are_up() -> bool:
        with contextlib.suppress(psycopg.Error, redis.RedisError, OSError, httpx.HTTPError):
            with psycopg.connect(site.postgres, autocommit=True, connect_timeout=2) as admin:
                names = {row[0] for row in admin.execute("SELECT datname FROM pg_database")}
                for name in {"caiji", "caiji_restored"} - names:
                    admin.execute(f"CREATE DATABASE {name}")  # type: ignore[arg-type]
            with redis.Redis(data) as client:
                client.ping()
            httpx.get(f"http://{store}:5000/moto-api/", timeout=2)
            return True
        return False

    wait_until(are_up, 60, "PostgreSQL, Redis and the store answer")
    for bucket in ("photos", "restored"):
        create_bucket(f"http://{store}:5000", bucket)


def forward_ports(site: Site) -> None:
    """What is nginx, and the way to WeChat: gateways over http are allowed on loopback alone."""
    network, here = site.network, f"{site.network.prefix}.{HERE}:{site.sandbox_port}"
    backends = [f"{network.hosts[name]}:8000" for name in HOSTS]
    forward = "benchmarks.rig.forward"
    network.python(None, forward, f"127.0.0.1:{site.port}", *backends)
    network.python(None, forward, here, f"127.0.0.1:{site.sandbox_port}")
    for name in HOSTS:
        network.python(name, forward, f"127.0.0.1:{site.sandbox_port}", here)


def again(act: Callable[[], Any]) -> Any:
    """Try as a student does until it works: lines break, and servers ask to come later."""
    deadline = time.monotonic() + PATIENCE_S
    while True:
        try:
            return act()
        except (httpx.HTTPError, AssertionError, KeyError, ValueError) as error:
            if time.monotonic() > deadline:
                raise AssertionError(f"not within {PATIENCE_S} s: {error}") from error
            time.sleep(0.5)


class Crowd:
    """Students on their way at once, and what was acknowledged to them."""

    def __init__(self, site: Site, people: list[dict[str, str]]) -> None:
        self.site = site
        self.acknowledged: dict[str, Student] = {}
        self.done: list[str] = []
        self.faults: list[str] = []
        self.threads = [
            threading.Thread(target=self._travel, args=(person, place), daemon=True)
            for place, person in enumerate(people)
        ]
        for place, thread in enumerate(self.threads):
            timer = threading.Timer(place * 0.7, thread.start)
            timer.daemon = True
            timer.start()

    def _travel(self, person: dict[str, str], place: int) -> None:
        try:
            student = Student(self.site, person)  # type: ignore[arg-type]
            student.http.timeout = 8
            again(student.sign_in)
            again(student.bind)
            photo = phone_photo_bytes()[:-2] + bytes([place]) + b"\xff\xd9"

            def upload() -> str:
                answer = student.upload(photo)
                assert answer.status_code in {200, 202}, answer.text
                return str(answer.json()["data"]["id"])

            photo_id = again(upload)
            self.acknowledged[photo_id] = student
            student.wait_for_verdict(photo_id, PATIENCE_S)
            student.pay(again(student.open_order))
            student.wait_for_status("uploaded", PATIENCE_S)
            self.done.append(person["student_no"])
        except Exception as error:  # noqa: BLE001 - shown by the assertion
            self.faults.append(f"{person['student_no']}: {error!r}")

    def wait(self) -> None:
        """Wait until all have arrived; nothing that was acknowledged may be missing."""
        deadline = time.monotonic() + 4 * PATIENCE_S
        while len(self.done) + len(self.faults) < len(self.threads):
            assert time.monotonic() < deadline, (self.done, self.faults)
            time.sleep(0.2)
        assert self.faults == []
        for photo_id, student in self.acknowledged.items():
            assert again(lambda s=student, p=photo_id: look_at(s, p)) == 200  # type: ignore[misc]


def look_at(student: Student, photo_id: str) -> int:
    return student.http.get(f"/photos/{photo_id}/image").status_code


def count_lines(site: Site, query: str, database: str = "caiji") -> int:
    with psycopg.connect(site.postgres.rsplit("/", 1)[0] + f"/{database}") as admin:
        row = admin.execute(query).fetchone()  # type: ignore[arg-type]
        assert row is not None
        return int(row[0])


def cut_hosts_off_in_the_rush(site: Site) -> None:
    crowd = Crowd(site, site.people[FIRST:][:RUSH])
    wait_until(lambda: len(crowd.acknowledged) >= 3, PATIENCE_S, "the rush begins")
    site.network.pull("app2")
    before = len(crowd.acknowledged) + len(crowd.done)
    time.sleep(CUT_S)
    assert site.ask_health("app1")
    assert not site.ask_health("app2")
    assert len(crowd.acknowledged) + len(crowd.done) > before, "the other host serves on"
    site.network.plug("app2")
    wait_until(lambda: site.ask_health("app2"), 30, "the host is back by itself")
    site.network.pull("data")
    time.sleep(CUT_S)
    assert all(site.ask_health(name) for name in HOSTS), "alive without a database"
    began = time.monotonic()
    student = next(iter(crowd.acknowledged.values()))
    refused = student.http.get("/enrolments", timeout=30)
    assert (refused.status_code, "Retry-After" in refused.headers) == (503, True)
    assert time.monotonic() - began < 15
    site.network.plug("data")
    crowd.wait()
    assert len(crowd.done) == RUSH
    paid = "SELECT count(*) FROM payment_order WHERE state = 'paid'"
    assert count_lines(site, paid) == FIRST + RUSH


def upgrade_host_by_host(site: Site, old_code: Path) -> None:
    crowd = Crowd(site, site.people[:FIRST])
    wait_until(lambda: crowd.acknowledged, PATIENCE_S, "students come")
    site.flask("backup", str(site.folder / "backup-before"), code=old_code)
    # the old version serves on behind the new schema
    site.flask("db", "upgrade", is_owner=True)
    for name in HOSTS:
        site.end(name)
        site.serve(name)
    crowd.wait()
    assert "ok   database role: owns nothing" in tolerate(site)
    assert "0 problems" in site.flask("check", "--read-files")


def tolerate(site: Site) -> str:
    """What doctor says; what it asks of WeChat's other services does not matter here."""
    with contextlib.suppress(AssertionError):
        site.flask("doctor")
    return (site.folder / "command.log").read_text()


def restore_elsewhere(site: Site) -> None:
    folder = str(site.folder / "backup")
    site.flask("backup", folder)
    elsewhere = {"database": "caiji_restored", "bucket": "restored"}
    told = site.flask("restore", folder, is_owner=True, **elsewhere)
    assert "counts and hashes agree" in told
    assert "0 problems" in site.flask("check", "--read-files", **elsewhere)
    for table in ("photo", "payment_order", "status_change", "audit_entry"):
        query = f"SELECT count(*) FROM {table}"  # noqa: S608 - our own names
        assert count_lines(site, query) == count_lines(site, query, "caiji_restored")


def test_upgrade_cut_cables_and_restore_lose_nothing(site: Site, old_code: Path) -> None:
    upgrade_host_by_host(site, old_code)
    cut_hosts_off_in_the_rush(site)
    restore_elsewhere(site)
