"""Nothing from outside is a 500: the corpus meets every route of the application, as every role.

The routes are read from the application: new ones join by themselves.
"""

from __future__ import annotations

import dataclasses
import urllib.parse
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from flask import Flask

from benchmarks.rig.backends import make_postgres_database
from server.app import create_app
from server.db import Database
from server.demo import load_demo
from server.duties import register_jobs
from server.settings import load_settings
from server.wiring import build_context
from tests.access.corpus import BODIES, FEW, VALUES, list_names
from tests.busy import Busy, make_busy
from tests.desk import DEMO_PASSWORD, Desk, sign_in
from tests.fakes import FakeLogin, make_clock
from tests.page import csrf_of
from tests.rounds import few

ENDS_THE_SESSION = {"console.sign_out", "console.account_password", "console.change_password"}
NAMES = list_names()
ENGINES = ("sqlite", "postgresql")


@pytest.fixture(scope="module", params=ENGINES)
def target(
    request: pytest.FixtureRequest,
    base_settings: dict[str, Any],
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Busy]:
    """A busy college of its own, because some of what is sent is taken."""
    folder: Path = tmp_path_factory.mktemp("corpus")
    with make_postgres_database() if request.param == "postgresql" else _no_server() as url:
        address = url or f"sqlite:///{folder / 'caiji.db'}"
        database = Database(address)
        database.migrate()
        database.dispose()
        settings = load_settings(data_dir=folder, database_url=address, **base_settings)
        ctx = dataclasses.replace(build_context(settings, make_clock()), login=FakeLogin())
        register_jobs()
        load_demo(ctx, DEMO_PASSWORD)
        app = create_app(ctx=ctx)
        app.testing = True
        app.extensions["caiji_limiter"].enabled = False
        yield make_busy(ctx, app)
        ctx.db.dispose()


class _no_server:  # noqa: N801 - stands where a context manager's call stands
    def __enter__(self) -> str:
        return ""

    def __exit__(self, *_: object) -> None: ...


@pytest.fixture(scope="module")
def desk(target: Busy) -> Desk:
    return sign_in(target.app, "admin")


def list_routes(app: Flask) -> list[tuple[str, str, tuple[str, ...]]]:
    """Return method, rule and its parameters of every route but those that sign out."""
    return [
        (method, rule.rule, tuple(rule.arguments))
        for rule in app.url_map.iter_rules()
        for method in sorted((rule.methods or set()) - {"HEAD", "OPTIONS"})
        if rule.endpoint not in ENDS_THE_SESSION and not rule.endpoint.endswith("static")
    ]


def fill(target: Busy, rule: str, value: str) -> str:
    """Return the path with things that exist where an id is wanted, the value elsewhere."""
    path = rule
    for name, thing in target.things.items():
        path = path.replace(f"<uuid:{name}_id>", thing)
    path = urllib.parse.quote(path, safe="/<>:")
    quoted = urllib.parse.quote(value[:2000], safe="", errors="surrogatepass")
    for part in path.split("/"):
        if part.startswith("<uuid:"):
            path = path.replace(part, "00000000-0000-7000-8000-000000000007")
        elif part.startswith("<"):
            path = path.replace(part, quoted or "x")
    return path


def encode(names: list[str], value: str) -> str:
    return "&".join(
        f"{name}={urllib.parse.quote(value, safe='', errors='surrogatepass')}" for name in names
    )


@pytest.mark.parametrize(
    ("target", "kind"),
    few([(e, kind) for e in ENGINES for kind in VALUES], lambda row: row[1] in FEW[row[0]]),
    indirect=["target"],
)
def test_no_value_surprises_a_route(target: Busy, desk: Desk, kind: str) -> None:
    value = VALUES[kind]
    headers = {"Authorization": f"Bearer {target.phones[0].token}"}
    token = csrf_of(desk.get("/console/account").text)
    surprises, seen = [], 0
    for method, rule, _ in list_routes(target.app):
        client = desk.client if rule.startswith("/console") else target.app.test_client()
        path = fill(target, rule, value)
        if method == "GET":
            answer = client.open(
                f"{path}?{encode(NAMES, value[:500])}", headers=headers, buffered=True
            )
        else:
            body = encode(NAMES, value) + f"&csrf_token={token}"
            content = "application/x-www-form-urlencoded"
            answer = client.open(
                path,
                method=method,
                data=body,
                headers=headers,
                content_type=content,
                buffered=True,
            )
        seen += 1
        if answer.status_code >= 500 and answer.status_code != 503:
            surprises.append(f"{method} {rule}: {answer.status_code}")
    assert seen > 80
    assert surprises == []


@pytest.mark.long
@pytest.mark.parametrize("kind", BODIES)
def test_no_body_surprises_a_route(target: Busy, desk: Desk, kind: str) -> None:
    content, body = BODIES[kind]
    headers = {"Authorization": f"Bearer {target.phones[0].token}"}
    surprises = []
    for method, rule, _ in list_routes(target.app):
        if method == "GET":
            continue
        client = desk.client if rule.startswith("/console") else target.app.test_client()
        answer = client.open(
            fill(target, rule, "x"),
            method=method,
            data=body,
            headers=headers,
            content_type=content,
            buffered=True,
        )
        if answer.status_code >= 500 and answer.status_code != 503:
            surprises.append(f"{method} {rule}: {answer.status_code}")
    assert surprises == []
