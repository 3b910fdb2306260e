"""Real PostgreSQL and Redis servers; each gives an address that nobody shares."""

from __future__ import annotations

import contextlib
import fcntl
import os
import secrets
import shutil
import socket
import subprocess
import tempfile
import urllib.parse
import uuid
from collections.abc import Iterator
from pathlib import Path

import psycopg
import redis

DEFAULT_POSTGRES = "postgresql://postgres@127.0.0.1:5432/postgres"


PORTS = range(20_000, 32_000)
_reserved: list[int] = []
"""Open locks of the ports of this process."""


class BackendMissing(Exception):
    """A service is not there; the text says which."""


def reserve_port() -> int:
    """A port that nobody else gets while this process lives.

    The system hands out ports from 32768 to whoever connects, so these lie below, and a lock on a
    file keeps every other process that asks here away.
    """
    folder = Path(tempfile.gettempdir()) / f"caiji-ports-{os.getuid()}"
    folder.mkdir(exist_ok=True)
    first = secrets.randbelow(len(PORTS))
    for port in (*PORTS[first:], *PORTS[:first]):
        lock = os.open(folder / str(port), os.O_RDWR | os.O_CREAT)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(lock)
            continue
        with socket.socket() as probe, contextlib.suppress(OSError):
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(("127.0.0.1", port))
            _reserved.append(lock)
            return port
        os.close(lock)
    raise BackendMissing("a free port")


def get_postgres_url() -> str:
    """The server on which databases may be made."""
    return os.environ.get("TEST_POSTGRES_URL", DEFAULT_POSTGRES)


@contextlib.contextmanager
def make_postgres_database(*, is_durable: bool = True) -> Iterator[str]:
    """Give the address of an empty database; it is dropped at the end.

    One that is not durable may lose what was committed last when the machine fails.
    """
    url = get_postgres_url()
    try:
        admin = psycopg.connect(url, autocommit=True, connect_timeout=3)
    except psycopg.OperationalError as error:
        raise BackendMissing("PostgreSQL at TEST_POSTGRES_URL") from error
    name = f"caiji_test_{uuid.uuid4().hex[:12]}"
    admin.execute(f"CREATE DATABASE {name}")
    if not is_durable:
        admin.execute(f"ALTER DATABASE {name} SET synchronous_commit = off")
    server = url.rsplit("/", 1)[0].replace("postgresql://", "postgresql+psycopg://")
    try:
        yield f"{server}/{name}"
    finally:
        admin.execute(f"DROP DATABASE {name} WITH (FORCE)")
        admin.close()


@contextlib.contextmanager
def make_postgres_service(*, is_durable: bool = True) -> Iterator[tuple[str, str]]:
    """Give the addresses of an empty database for its owner and for a role that owns nothing."""
    role = f"caiji_service_{uuid.uuid4().hex[:12]}"
    with contextlib.ExitStack() as life:
        owner = life.enter_context(make_postgres_database(is_durable=is_durable))
        with psycopg.connect(get_postgres_url(), autocommit=True) as admin:
            admin.execute(f"CREATE ROLE {role} LOGIN")
        try:
            address = urllib.parse.urlsplit(owner)
            host = address.netloc.rpartition("@")[2]
            yield owner, address._replace(netloc=f"{role}@{host}").geturl()
        finally:
            with psycopg.connect(owner.replace("+psycopg", ""), autocommit=True) as admin:
                admin.execute(f"DROP OWNED BY {role}")
                admin.execute(f"DROP ROLE {role}")


@contextlib.contextmanager
def run_redis(port: int) -> Iterator[str]:
    """Give the address of an own Redis that keeps nothing."""
    if shutil.which("redis-server") is None:
        raise BackendMissing("redis-server")
    command = ["redis-server", "--port", str(port), "--save", "", "--appendonly", "no"]
    process = subprocess.Popen([*command, "--bind", "127.0.0.1"], stdout=subprocess.DEVNULL)
    try:
        with redis.Redis(port=port) as client:
            _wait_for_redis(client)
        yield f"redis://127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait(timeout=10)


def _wait_for_redis(client: redis.Redis) -> None:
    from benchmarks.rig.stack import wait_until

    def answers() -> bool:
        with contextlib.suppress(redis.ConnectionError):
            return bool(client.ping())
        return False

    wait_until(answers, 10, "redis starts")
