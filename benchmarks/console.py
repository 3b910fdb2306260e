"""The console with 1,000, 10,000 and 100,000 students, on SQLite and on PostgreSQL.

    .venv/bin/python benchmarks/console.py [--counts 1000,10000,100000] [--repeat 9]

Every page is asked for through the real Flask views, signed in, templates and all, in one process.
Printed: the median milliseconds of each, how much slower the largest college is than the smallest,
the processor time of this process at the largest (on a busy machine the clock tells about the
neighbours), and whether a page misses its goal. Exit status 1 when one does. PostgreSQL is
TEST_POSTGRES_URL; its own processor time is not in the last column.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import re
import secrets
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parent.parent
sys.path.insert(0, str(ROOT))

from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import create_engine, select, text

from benchmarks.rig.students import PASSWORD, build_college
from models import Batch, LearningCentre
from server.app import create_app
from server.context import Context
from server.settings import load_settings
from server.wiring import build_context

GOAL_MS = 300.0
DEFAULT_POSTGRES = "postgresql://postgres@127.0.0.1:5432/postgres"
DEMO_SETTINGS = {
    "demo": True,
    "secret_key": "s" * 40,
    "field_keys": "k1=" + "A" * 43 + "=",
    "index_key": "A" * 43 + "=",
    "public_url": "http://127.0.0.1:9",
    "wechat_app_id": "wxsandbox00000001",
    "wechat_app_secret": "a" * 32,
    "pay_mch_id": "1900000109",
    "pay_version": "v2",
    "pay_v2_key": "w" * 32,
    "min_free_mb": 0,
    "log_level": "ERROR",
}


def list_pages(ctx: Context, count: int) -> dict[str, tuple[str, str]]:
    """Return name -> (role, address) of every page that is measured."""
    with ctx.db.read() as session:
        batch = session.scalars(select(Batch).order_by(Batch.date)).first()
        centre = session.scalars(select(LearningCentre).order_by(LearningCentre.name)).first()
    assert batch is not None
    assert centre is not None
    students = "/console/students"
    middle, last = f"20{count // 2:08d}", f"20{count:08d}"
    queries = {
        "list, first page": "",
        "list, deep page": f"?after={middle}",
        "list, last page backwards": f"?before={last}",
        "filter 采集情况 uploaded": "?status=uploaded",
        "filter 采集情况 collected, deep": f"?status=collected&after={middle}",
        "filter 批次": f"?batch={batch.label}",
        "filter 批次 0000-00-00": "?batch=0000-00-00",
        "filter 学籍状态": "?register=休学",
        "filter 学习中心": f"?centre={centre.id}",
        "filter 层次": "?level=高起本",
        "filter 采集情况+中心+层次": f"?status=reuploaded&centre={centre.id}&level=高起本",
        "filter 批次+学籍状态": f"?batch={batch.label}&register=退学",
        "search 学号": f"?text=20{count // 2 // 100:06d}",
        "search 姓名": "?text=张伟",
        "search 姓名, nobody": "?text=欧阳",
        "search 姓名+采集情况": "?text=张&status=reupload_required",
    }
    pages = {name: ("admin", students + query) for name, query in queries.items()}
    return pages | {
        "dashboard": ("admin", "/console/progress"),
        "review queue": ("reviewer", "/console/review"),
        "review contact sheet": ("reviewer", "/console/review/sheet"),
        "missing list": ("admin", "/console/missing"),
        "missing list, centre": ("centre", "/console/missing"),
        "centre's list": ("centre", students),
        "centre's list, filter": ("centre", f"{students}?status=uploaded&level=专升本"),
        "centre's dashboard": ("centre", "/console/progress"),
        "exports": ("admin", "/console/exports"),
        "audit log": ("admin", "/console/audit"),
    }


def sign_in(app: Flask, username: str) -> FlaskClient:
    """Return a client with a session."""
    client = app.test_client()
    page = client.get("/console/sign-in").text
    token = re.search(r'name="csrf_token"[^>]*value="([^"]+)"', page)
    assert token is not None
    form = {"username": username, "password": PASSWORD, "csrf_token": token.group(1)}
    answer = client.post("/console/sign-in", data=form)
    assert answer.status_code == 302, answer.status_code
    return client


Times = tuple[float, float]
"""Median milliseconds by the clock and of this process."""


def measure(url: str, folder: Path, count: int, repeat: int) -> dict[str, Times]:
    """Build one college and return the times of each page."""
    settings = load_settings(data_dir=folder, database_url=url, **DEMO_SETTINGS)
    ctx = build_context(settings)
    ctx.db.migrate()
    started = time.perf_counter()
    build_college(ctx, count)
    print(f"  {count} students written in {time.perf_counter() - started:.0f} s", file=sys.stderr)
    app = create_app(ctx=ctx)
    clients = {name: sign_in(app, name) for name in ("admin", "reviewer", "centre")}
    medians = {}
    for name, (role, address) in list_pages(ctx, count).items():
        clock, own = [], []
        for _ in range(repeat + 1):
            begun = time.perf_counter(), time.process_time()
            answer = clients[role].get(address, buffered=True)
            clock.append((time.perf_counter() - begun[0]) * 1000)
            own.append((time.process_time() - begun[1]) * 1000)
            assert answer.status_code == 200, f"{address}: {answer.status_code}"
        medians[name] = statistics.median(clock[1:]), statistics.median(own[1:])
    ctx.db.dispose()
    return medians


@contextlib.contextmanager
def own_postgres(url: str) -> Iterator[str]:
    """Create a database of our own and drop it afterwards."""
    psycopg_url = url.replace("postgresql://", "postgresql+psycopg://")
    admin = create_engine(psycopg_url, isolation_level="AUTOCOMMIT")
    name = f"caiji_benchmark_{secrets.token_hex(4)}"
    with admin.connect() as connection:
        connection.execute(text(f"CREATE DATABASE {name}"))
    try:
        yield psycopg_url.rsplit("/", 1)[0] + f"/{name}"
    finally:
        with admin.connect() as connection:
            connection.execute(text(f"DROP DATABASE {name} WITH (FORCE)"))
        admin.dispose()


def show(engine: str, counts: list[int], results: dict[int, dict[str, Times]]) -> list[str]:
    """Print the table of one engine and return the pages that miss the goal."""
    head = "".join(f"{count:>10}" for count in counts)
    print(f"\n{engine:<34}{head}    growth       cpu   (median ms)")
    missed = []
    for name in results[counts[0]]:
        values = [results[count][name][0] for count in counts]
        own = results[counts[-1]][name][1]
        cells = "".join(f"{value:>10.1f}" for value in values)
        mark = "" if values[-1] < GOAL_MS else f"   over {GOAL_MS:.0f} ms"
        wide = sum(1 for character in name if ord(character) > 0x2E80)
        growth = f"{values[-1] / values[0]:>9.1f}x{own:>10.1f}"
        print(f"{name}{' ' * (34 - len(name) - wide)}{cells}{growth}{mark}")
        if mark:
            missed.append(f"{engine}: {name}")
    return missed


def main() -> int:
    """Measure both engines."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--counts", default="1000,10000,100000")
    parser.add_argument("--repeat", type=int, default=9)
    parser.add_argument("--engines", default="SQLite,PostgreSQL")
    parser.add_argument("--postgres", default=os.environ.get("TEST_POSTGRES_URL", DEFAULT_POSTGRES))
    options = parser.parse_args()
    counts = [int(count) for count in options.counts.split(",")]
    missed: list[str] = []
    for engine in options.engines.split(","):
        results = {}
        for count in counts:
            with contextlib.ExitStack() as stack:
                folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
                url = f"sqlite:///{folder}/caiji.db"
                if engine == "PostgreSQL":
                    url = stack.enter_context(own_postgres(options.postgres))
                results[count] = measure(url, folder, count, options.repeat)
        missed += show(engine, counts, results)
    print(f"\ngoal {GOAL_MS:.0f} ms at {counts[-1]} students: {len(missed)} missed")
    return 1 if missed else 0


if __name__ == "__main__":
    raise SystemExit(main())
