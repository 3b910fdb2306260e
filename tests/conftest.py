"""Fixtures of the whole suite: real databases, a wired context, the application, its clients.

``ctx`` runs every test on SQLite, and under ``make test-all`` on PostgreSQL too; a test marked
``engines``, or that names its engines itself, runs on both in ``make test``. PostgreSQL is taken
from ``TEST_POSTGRES_URL`` (default: postgres@127.0.0.1:5432, trust authentication); where there is
none, those tests are skipped with the reason, and fail under CI=true.
"""

from __future__ import annotations

import base64
import contextlib
import dataclasses
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import Table, exists, literal, select, text, union_all
from sqlalchemy.orm import Session
from werkzeug.test import TestResponse

from benchmarks.rig.backends import BackendMissing, make_postgres_service
from benchmarks.rig.processes import share_imports
from benchmarks.rig.templates import share_templates
from models import Base
from server.app import attach_context, create_app
from server.context import Context
from server.database_roles import open_as_owner
from server.db import Database
from server.demo import load_demo
from server.settings import Settings, load_settings
from server.wiring import build_context
from tests.backends import do_without
from tests.bundled import start_what_is_missing
from tests.fakes import FakeLogin, make_clock

share_imports()
share_templates()


class ClosingClient(FlaskClient):
    """Ends every answer as a server does: one that is left to the collector keeps its lane."""

    def open(self, *args: Any, buffered: bool = True, **kwargs: Any) -> TestResponse:
        return super().open(*args, buffered=buffered, **kwargs)


Flask.test_client_class = ClosingClient
CHEAP_PASSWORDS_KIB = 8
DEMO_PASSWORD = "demo-password-1"
Rows = list[tuple[Table, list[dict[str, Any]]]]


def pytest_configure(config: pytest.Config) -> None:
    """Start what all workers share, which inherit the environment: services, and a nursery."""
    if not hasattr(config, "workerinput") and not config.option.collectonly:
        life = contextlib.ExitStack()
        config.add_cleanup(life.close)
        start_what_is_missing(life)
        if getattr(config.option, "dist", "no") != "no":
            share_imports().connect()


FIRST = (
    "year/",
    "crash/",
    "faults/",
    "browser/",
    "system/",
    "access/",
    "imagecheck/",
    "pay/",
    "transfer/",
    "sandbox/",
    "services/",
    "house/",
)
"""Rooms whose files take longest: a worker that begins one of them last lets the others wait."""


def find_turn(item: pytest.Item) -> int:
    return next((at for at, room in enumerate(FIRST) if f"tests/{room}" in item.nodeid), len(FIRST))


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> Iterator[None]:
    """Mark before pytest chooses by marks, and put in turn what it has chosen."""
    for item in items:
        if "postgresql" in item.nodeid:
            item.add_marker("postgresql")
        if is_second_engine_by_habit(item):
            item.add_marker("long")
    yield
    items.sort(key=find_turn)


def is_second_engine_by_habit(item: pytest.Item) -> bool:
    """Whether a test runs on PostgreSQL only because every test of ``ctx`` does."""
    callspec = getattr(item, "callspec", None)
    if callspec is None or callspec.params.get("database_url") != "postgresql":
        return False
    named = any("database_url" in str(mark.args[0]) for mark in item.iter_markers("parametrize"))
    return not named and item.get_closest_marker("engines") is None


@pytest.hookimpl(wrapper=True)
def pytest_runtest_setup(item: pytest.Item) -> Iterator[None]:
    try:
        return (yield)
    except BackendMissing as missing:
        do_without(str(missing))


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Iterator[None]:
    try:
        return (yield)
    except BackendMissing as missing:
        do_without(str(missing))


@pytest.fixture(scope="session")
def key_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """RSA keys, made once: a merchant's and a platform's."""
    folder = tmp_path_factory.mktemp("keys")
    for name in ("merchant", "platform"):
        key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        private = key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
        public = key.public_key().public_bytes(
            serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
        )
        (folder / f"{name}.pem").write_bytes(private)
        (folder / f"{name}-public.pem").write_bytes(public)
    return folder


@pytest.fixture(scope="session")
def base_settings(key_folder: Path) -> dict[str, Any]:
    """Settings that every test shares; gateways point where nobody listens."""
    return {
        "demo": True,
        "secret_key": "s" * 40,
        "field_keys": f"k1={base64.b64encode(b'f' * 32).decode()}",
        "face_keys": f"f1={base64.b64encode(b'e' * 32).decode()}",
        "index_key": base64.b64encode(b"i" * 32).decode(),
        "public_url": "http://127.0.0.1:9",
        "wechat_api_url": "http://127.0.0.1:9",
        "pay_api_url": "http://127.0.0.1:9",
        "wechat_app_id": "wxsandbox00000001",
        "wechat_app_secret": "a" * 32,
        "pay_mch_id": "1900000109",
        "pay_v3_key": "v" * 32,
        "pay_v2_key": "w" * 32,
        "pay_merchant_serial": "5157F09EFDC096DE15EBE81A47057A7200000000",
        "pay_merchant_key_file": str(key_folder / "merchant.pem"),
        "pay_verify_keys": f"PUB_KEY_ID_0119={key_folder / 'platform-public.pem'}",
        "verdict_wait_s": 0,
        "min_free_mb": 0,
        "password_memory_kib": CHEAP_PASSWORDS_KIB,
    }


@dataclass(frozen=True)
class PostgresAddresses:
    """One database: for the role that owns its tables, and for the lesser one that serves."""

    owner: str
    service: str


@pytest.fixture(scope="session")
def postgres() -> Iterator[PostgresAddresses]:
    """An own, migrated PostgreSQL database, dropped at the end."""
    with make_postgres_service(is_durable=False) as (owner, service):
        settings = Settings(database_url=service, database_owner_url=owner)
        db = open_as_owner(settings)
        db.migrate()
        db.dispose()
        yield PostgresAddresses(owner, service)


@pytest.fixture
def owner(request: pytest.FixtureRequest, ctx: Context) -> Iterator[Database]:
    """The database of ``ctx`` as whoever owns it: on SQLite there is nobody else."""
    if ctx.db.is_sqlite:
        yield ctx.db
        return
    db = Database(request.getfixturevalue("postgres").owner)
    yield db
    db.dispose()


@pytest.fixture(scope="session")
def sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A migrated SQLite file that each test copies."""
    path = tmp_path_factory.mktemp("sqlite") / "template.db"
    db = Database(f"sqlite:///{path}")
    db.migrate()
    with db.engine.connect() as connection:
        connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
    db.dispose()
    return path


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest) -> Iterator[str]:
    """An empty, migrated database; every test that uses it runs on both engines."""
    if request.param == "sqlite":
        template: Path = request.getfixturevalue("sqlite_template")
        place = template.with_name("caiji.db")
        for left in place.parent.glob(f"{place.name}*"):
            left.unlink()
        shutil.copy(template, place)
        yield f"sqlite:///{place}"
        return
    addresses: PostgresAddresses = request.getfixturevalue("postgres")
    yield addresses.service
    db = Database(addresses.owner)
    with db.write() as session:
        empty_tables(session)
    db.dispose()


def empty_tables(session: Session) -> None:
    """Empty the tables that have rows; each that is truncated costs new files."""
    tables = Base.metadata.sorted_tables
    looks = [select(literal(each.name)).where(exists(select(each))) for each in tables]
    used = session.scalars(union_all(*looks)).all()
    if used:
        # Only a test empties history: the trigger against it is asleep for this transaction.
        session.execute(text("SET LOCAL session_replication_role = replica"))
        session.execute(text(f"TRUNCATE {', '.join(used)} CASCADE"))


@pytest.fixture
def settings(base_settings: dict[str, Any], database_url: str, tmp_path: Path) -> Settings:
    return load_settings(data_dir=tmp_path, database_url=database_url, **base_settings)


@pytest.fixture(scope="session")
def databases() -> dict[str, Database]:
    """One for each address, so that a statement is compiled once a process and not once a test."""
    return {}


@pytest.fixture
def ctx(settings: Settings, databases: dict[str, Database]) -> Iterator[Context]:
    """A wired context with a clock that the test moves and a login that knows every phone."""
    built = build_context(settings, make_clock())
    db = databases.setdefault(settings.database_url, built.db)
    yield dataclasses.replace(built, db=db, login=FakeLogin())
    db.dispose()
    built.db.dispose()  # WeChat's access tokens are kept through it


@pytest.fixture(scope="session")
def demo_rows() -> dict[object, Rows]:
    """What the demo college wrote, for each set of keys and each time: loading it is slow."""
    return {}


@pytest.fixture
def demo(ctx: Context, demo_rows: dict[object, Rows]) -> Context:
    """The context with the demo college loaded."""
    kind = (ctx.settings.field_keys, ctx.settings.index_key, ctx.now())
    if kind in demo_rows:
        with ctx.db.write() as session:
            for table, rows in demo_rows[kind]:
                session.execute(table.insert(), rows)
    else:
        load_demo(ctx, DEMO_PASSWORD)
        demo_rows[kind] = read_rows(ctx)
    return ctx


def read_rows(ctx: Context) -> Rows:
    """Every row of every table that has some, in an order in which they can be written."""
    with ctx.db.read() as session:
        found = [
            (table, [dict(row) for row in session.execute(table.select()).mappings()])
            for table in Base.metadata.sorted_tables
        ]
    return [(table, rows) for table, rows in found if rows]


PLACES = {
    *("data_dir", "database_url", "queue_url", "photo_store", "pay_merchant_key_file"),
    *("pay_verify_keys", "pay_api_url", "wechat_api_url", "pay_notify_url", "public_url"),
}
"""Settings that say where things are: read from the context at each request, not kept by an app."""


@pytest.fixture(scope="session")
def apps() -> dict[str, Flask]:
    """The applications of this process, by what they were made from: making one is slow."""
    return {}


@pytest.fixture
def app(demo: Context, apps: dict[str, Flask]) -> Iterator[Flask]:
    """An application that has counted nothing yet, on the context of this test."""
    is_https = demo.settings.public_url.startswith("https:")
    kind = f"{is_https} {demo.settings.model_dump_json(exclude=PLACES)}"
    if kind not in apps:
        apps[kind] = create_app(ctx=demo)
        apps[kind].testing = True
    application = apps[kind]
    attach_context(application, demo)
    limiter = application.extensions["caiji_limiter"]
    limiter.enabled = True
    limiter.reset()
    yield application
    application.extensions["caiji_reads"].flush()


@pytest.fixture
def client(app: Flask) -> FlaskClient:
    return app.test_client()
