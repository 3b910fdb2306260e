"""Callbacks a second, against a bare view that does the unavoidable part of the same work.

    .venv/bin/python benchmarks/callbacks.py [--count 400] [--postgres URL]

Both run under gunicorn with the same threads in turn, on the same machine and the same kind of
database. The bare view verifies the same RSA signature, decrypts the same AES-GCM field and commits
one inserted row. Ours does that and settles: order, enrolment, status, history, notice. The ratio
must be at least 0.90 on SQLite and 0.75 on PostgreSQL, and the slowest percent below 200 ms while
every core checks photos; exit status 1 otherwise. Beside it stands the ratio of CPU seconds, of the
web process and PostgreSQL together: what other work on the machine does not change.
"""

from __future__ import annotations

import argparse
import base64
import contextlib
import datetime as dt
import json
import os
import queue
import secrets
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from http.client import HTTPConnection
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parent.parent
sys.path.insert(0, str(ROOT))

from sqlalchemy import create_engine, insert, select, text

from benchmarks.rig.cpu import read_postgres_cpu_s, read_tree_cpu_s
from benchmarks.rig.wechat_side import MCH_ID, WechatSide, write_key_files
from models import (
    Enrolment,
    FeatureCode,
    Institution,
    LearningCentre,
    Order,
    OrderState,
    Photo,
    PhotoState,
    Verdict,
    WechatUser,
    new_id,
)
from server.db import Database
from server.settings import load_settings
from server.wiring import build_cipher

MIN_RATIOS = {"SQLite": 0.90, "PostgreSQL": 0.75}
MAX_BUSY_P99_MS = 200
CLIENTS = 8
BUSY_COUNT = 200
CHECK_FOREVER = """
from imagecheck import check
from benchmarks.rig.portraits import phone_photo_bytes
photo = phone_photo_bytes()
while True:
    check(photo)
    print("checked", flush=True)
"""
OPENID = "openid-benchmark"
DEFAULT_POSTGRES = "postgresql+psycopg://postgres@127.0.0.1:5432/postgres"


def make_environment(folder: Path, side: WechatSide, database_url: str) -> dict[str, str]:
    """Return the settings of a demo server on `database_url`."""
    values = write_key_files(folder / "keys", side) | {
        "demo": "1",
        "data_dir": str(folder),
        "database_url": database_url,
        "secret_key": "s" * 40,
        "field_keys": "k1=" + base64.b64encode(b"f" * 32).decode(),
        "index_key": base64.b64encode(b"i" * 32).decode(),
        "log_level": "WARNING",
    }
    return {f"CAIJI_{name.upper()}": value for name, value in values.items()}


def fill(database_url: str, environment: dict[str, str], count: int) -> list[str]:
    """Migrate and write `count` students with a passed photo and an open order each."""
    values = {name.removeprefix("CAIJI_").lower(): text for name, text in environment.items()}
    cipher = build_cipher(load_settings(**values))
    db = Database(database_url)
    db.migrate()
    now = dt.datetime.now(dt.UTC)
    college = Institution(id=new_id(), name="benchmark", created_at=now)
    centre = LearningCentre(
        id=new_id(), institution_id=college.id, name="benchmark", created_at=now
    )
    code = FeatureCode(
        id=new_id(), institution_id=college.id, code="bench1", fee_fen=2000, created_at=now
    )
    user = WechatUser(id=new_id(), created_at=now)
    user.encrypt_openid(OPENID, cipher)
    numbers = [f"CJ{secrets.token_hex(12).upper()}" for _ in range(count)]
    with db.write() as session:
        session.add(college)
        session.add(user)
        session.flush()
        session.add_all([centre, code])
        session.flush()
        for place, number in enumerate(numbers):
            enrolment = Enrolment(
                id=new_id(),
                institution_id=college.id,
                centre_id=centre.id,
                student_no=f"B{place:08d}",
                name="benchmark",
                wechat_user_id=user.id,
                feature_code_id=code.id,
                created_at=now,
                updated_at=now,
            )
            enrolment.encrypt_id_number(f"1101011990{place:08d}", cipher)
            session.add(enrolment)
            session.flush()
            photo = Photo(
                id=new_id(),
                enrolment_id=enrolment.id,
                user_id=user.id,
                sha256=secrets.token_hex(32),
                size_bytes=1,
                profile="moe-2017",
                state=PhotoState.CHECKED,
                verdict=Verdict.PASS,
                submitted_at=now,
            )
            session.add(photo)
            session.flush()
            enrolment.photo_id = photo.id
            session.add(
                Order(
                    institution_id=college.id,
                    enrolment_id=enrolment.id,
                    user_id=user.id,
                    out_trade_no=number,
                    description="benchmark",
                    amount_fen=2000,
                    state=OrderState.OPEN,
                    pay_version="v3",
                    expires_at=now + dt.timedelta(hours=1),
                    created_at=now,
                )
            )
    db.dispose()
    return numbers


def make_notices(side: WechatSide, numbers: list[str]) -> list[tuple[bytes, dict[str, str]]]:
    """Return one signed notice for each order."""
    now = dt.datetime.now(dt.UTC)
    notices = []
    for number in numbers:
        body = side.v3_notice(side.v3_payment(number, OPENID))
        notices.append((body, side.sign_headers(body, now)))
    return notices


def create_bare_app() -> Any:
    """The bare view. Runs in its own gunicorn, which imports this function."""
    from flask import Flask, request
    from sqlalchemy import Column, LargeBinary, MetaData, String, Table

    from server.gateways.pay_settings import read_v3_keys, read_verify_keys
    from server.gateways.pay_v3_notice import read_notice
    from server.gateways.pay_v3_signing import SignatureVerifier

    settings = load_settings()
    verifier = SignatureVerifier(read_verify_keys(settings))
    keys = read_v3_keys(settings)
    engine = Database(settings.database_url).engine.execution_options(is_writer=True)
    table = Table(
        "bare_notice",
        MetaData(),
        Column("id", String(128), primary_key=True),
        Column("body", LargeBinary),
    )
    table.create(engine, checkfirst=True)
    app = Flask("bare")

    @app.post("/pay/notify/v3")
    def notify() -> tuple[str, int]:
        body = request.get_data()
        verifier.verify(dict(request.headers), body, dt.datetime.now(dt.UTC))
        notice = read_notice(body, keys)
        with engine.begin() as connection:
            connection.execute(insert(table).values(id=notice.notice_id, body=body))
        return "", 204

    return app


@contextlib.contextmanager
def run_gunicorn(
    application: str, environment: dict[str, str], pids: list[int] | None = None
) -> Iterator[int]:
    """Run `application` on a free port with the project's own gunicorn settings; give the port.

    The number of its process is added to `pids`.
    """
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    process = subprocess.Popen(
        [sys.executable, "-m", "gunicorn", "--bind", f"127.0.0.1:{port}", application],
        cwd=ROOT,
        env=os.environ | environment | {"PORT": str(port), "PYTHONPATH": str(ROOT)},
    )
    if pids is not None:
        pids.append(process.pid)
    try:
        wait_for(port)
        yield port
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(20)


def wait_for(port: int) -> None:
    """Wait until somebody listens."""
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
            return
        time.sleep(0.1)
    raise SystemExit("the server did not start")


def drive(port: int, notices: list[tuple[bytes, dict[str, str]]]) -> tuple[float, list[float]]:
    """Deliver all notices with `CLIENTS` connections; return notices a second and each one's ms."""
    waiting: queue.SimpleQueue[tuple[bytes, dict[str, str]]] = queue.SimpleQueue()
    for notice in notices:
        waiting.put(notice)
    times_ms: list[float] = []
    failures: list[int] = []

    def deliver() -> None:
        connection = HTTPConnection("127.0.0.1", port, timeout=30)
        with contextlib.suppress(queue.Empty):
            while True:
                body, headers = waiting.get_nowait()
                started = time.perf_counter()
                connection.request("POST", "/pay/notify/v3", body, headers)
                answer = connection.getresponse()
                answer.read()
                times_ms.append((time.perf_counter() - started) * 1000)
                if answer.status != 204:
                    failures.append(answer.status)
        connection.close()

    threads = [threading.Thread(target=deliver) for _ in range(CLIENTS)]
    started = time.perf_counter()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    elapsed_s = time.perf_counter() - started
    if failures:
        raise SystemExit(f"{len(failures)} notices were refused: {set(failures)}")
    return len(notices) / elapsed_s, times_ms


def measure(name: str, database_url: str, folder: Path, count: int) -> tuple[float, bool]:
    """Measure both servers on one database, in alternating rounds, and print a line for each.

    Returns the ratio, and whether all that is promised was kept.
    """
    side = WechatSide()
    environment = make_environment(folder, side, database_url)
    numbers = fill(database_url, environment, count * 3 + BUSY_COUNT)
    busy = [numbers.pop() for _ in range(BUSY_COUNT)]
    rates: dict[str, list[float]] = {"bare": [], "caiji": []}
    times: dict[str, list[float]] = {"bare": [], "caiji": []}
    cpu_s = {"bare": 0.0, "caiji": 0.0}
    pids: list[int] = []
    with (
        run_gunicorn("benchmarks.callbacks:create_bare_app()", environment, pids) as bare_port,
        run_gunicorn("wsgi:app", environment, pids) as caiji_port,
    ):
        ports = {"bare": bare_port, "caiji": caiji_port}
        for who, port in ports.items():
            drive(port, make_notices(side, numbers[:20]))  # warm
            del who
        for start in range(20, len(numbers) - 20, count):
            chunk = numbers[start : start + count]
            for who, port in ports.items():
                pid = pids[list(ports).index(who)]
                notices = make_notices(side, chunk)
                before_s = read_tree_cpu_s(pid) + read_postgres_cpu_s()
                rate, times_ms = drive(port, notices)
                cpu_s[who] += read_tree_cpu_s(pid) + read_postgres_cpu_s() - before_s
                rates[who].append(rate)
                times[who].extend(times_ms)
        with checking_photos():
            _, busy_ms = drive(caiji_port, make_notices(side, busy))
    check_books(database_url, [*numbers, *busy])
    for who in ports:
        p50, p99 = statistics.median(times[who]), statistics.quantiles(times[who], n=100)[98]
        print(
            f"{name:<11}{who:<7}{statistics.median(rates[who]):>8.0f} callbacks/s"
            f"{p50:>8.1f} ms p50{p99:>8.1f} ms p99"
        )
    busy_p99 = statistics.quantiles(busy_ms, n=100)[98]
    limit = f"(below {MAX_BUSY_P99_MS})"
    print(f"{name:<11}caiji  while photos are checked{busy_p99:>24.1f} ms p99 {limit}")
    ratio = statistics.median(rates["caiji"]) / statistics.median(rates["bare"])
    print(f"{name:<11}ratio  {ratio:>8.2f} (at least {MIN_RATIOS[name]})")
    done = len(times["caiji"])
    shown = ", ".join(f"{who} {used / done * 1000:.2f} ms" for who, used in cpu_s.items())
    cpu_ratio = cpu_s["bare"] / cpu_s["caiji"]
    load = os.getloadavg()[0]
    print(f"{name:<11}CPU    {cpu_ratio:>8.2f} ({shown} a callback; load {load:.1f})")
    return ratio, ratio >= MIN_RATIOS[name] and busy_p99 < MAX_BUSY_P99_MS


@contextlib.contextmanager
def checking_photos() -> Iterator[None]:
    """Check one drawn portrait after the other, one process a core, as the worker would."""
    checkers = [
        subprocess.Popen(
            [sys.executable, "-c", CHECK_FOREVER],
            cwd=ROOT,
            stdout=subprocess.PIPE,
            env=os.environ | {"PYTHONPATH": str(ROOT)},
        )
        for _ in range(os.cpu_count() or 1)
    ]
    try:
        for checker in checkers:
            assert checker.stdout is not None
            checker.stdout.readline()  # the first photo is judged: the models are loaded
        yield
    finally:
        for checker in checkers:
            checker.kill()
            checker.communicate()


def check_books(database_url: str, numbers: list[str]) -> None:
    """Stop when a delivered notice did not settle: speed without effect counts nothing."""
    db = Database(database_url)
    with db.read() as session:
        states = session.scalars(select(Order.state).where(Order.out_trade_no.in_(numbers))).all()
    db.dispose()
    if set(states) != {OrderState.PAID}:
        raise SystemExit(f"not every order is paid: {set(states)}")


@contextlib.contextmanager
def own_postgres(url: str) -> Iterator[str]:
    """Create a database of our own and drop it afterwards."""
    admin = create_engine(url, isolation_level="AUTOCOMMIT")
    name = f"caiji_benchmark_{secrets.token_hex(4)}"
    with admin.connect() as connection:
        connection.execute(text(f"CREATE DATABASE {name}"))
    try:
        yield url.rsplit("/", 1)[0] + f"/{name}"
    finally:
        with admin.connect() as connection:
            connection.execute(text(f"DROP DATABASE {name} WITH (FORCE)"))
        admin.dispose()


def main() -> int:
    """Run on SQLite and, where there is one, on PostgreSQL."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=400, help="notices in each of three rounds")
    parser.add_argument("--postgres", default=os.environ.get("TEST_POSTGRES_URL", DEFAULT_POSTGRES))
    options = parser.parse_args()
    print(f"merchant {MCH_ID}, {CLIENTS} connections, {os.cpu_count()} cores")
    results = []
    with tempfile.TemporaryDirectory() as folder:
        url = f"sqlite:///{folder}/caiji.db"
        results.append(measure("SQLite", url, Path(folder), options.count))
    with tempfile.TemporaryDirectory() as folder, own_postgres(options.postgres) as url:
        results.append(measure("PostgreSQL", url, Path(folder), options.count))
    print(json.dumps({"ratios": [round(ratio, 2) for ratio, _ in results]}))
    return 0 if all(is_kept for _, is_kept in results) else 1


if __name__ == "__main__":
    raise SystemExit(main())
