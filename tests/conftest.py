"""Fixtures of the whole suite: real databases, a wired context, the application, its clients.

``ctx`` runs every test on SQLite and on PostgreSQL. PostgreSQL is taken from
``TEST_POSTGRES_URL`` (default: postgres@127.0.0.1:5432, trust authentication); where there is
none, those tests are skipped with the reason, and fail under CI=true.
"""

from __future__ import annotations

import base64
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import Table, text

from models import Base
from server.app import create_app
from server.context import Context
from server.db import Database
from server.services.demo import load_demo
from server.settings import Settings, load_settings
from server.wiring import build_context
from tests.backends import make_postgres_database
from tests.fakes import FakeLogin, make_clock

DEMO_PASSWORD = "demo-password-1"
Rows = list[tuple[Table, list[dict[str, Any]]]]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if "postgresql" in item.nodeid:
            item.add_marker("postgresql")


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
    }


@pytest.fixture(scope="session")
def postgres_url() -> Iterator[str]:
    """An own, migrated PostgreSQL database, dropped at the end."""
    with make_postgres_database() as url:
        db = Database(url)
        db.migrate()
        db.dispose()
        yield url


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
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """An empty, migrated database; every test that uses it runs on both engines."""
    if request.param == "sqlite":
        template: Path = request.getfixturevalue("sqlite_template")
        shutil.copy(template, tmp_path / "caiji.db")
        yield f"sqlite:///{tmp_path / 'caiji.db'}"
        return
    url: str = request.getfixturevalue("postgres_url")
    yield url
    db = Database(url)
    tables = ", ".join(table.name for table in Base.metadata.sorted_tables)
    with db.write() as session:
        session.execute(text(f"TRUNCATE {tables} CASCADE"))
    db.dispose()


@pytest.fixture
def settings(base_settings: dict[str, Any], database_url: str, tmp_path: Path) -> Settings:
    return load_settings(data_dir=tmp_path, database_url=database_url, **base_settings)


@pytest.fixture
def ctx(settings: Settings) -> Iterator[Context]:
    """A wired context with a clock that the test moves and a login that knows every phone."""
    import dataclasses

    context = build_context(settings, make_clock())
    context = dataclasses.replace(context, login=FakeLogin())
    yield context
    context.db.dispose()


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


@pytest.fixture
def app(demo: Context) -> Flask:
    application = create_app(ctx=demo)
    application.testing = True
    return application


@pytest.fixture
def client(app: Flask) -> FlaskClient:
    return app.test_client()
