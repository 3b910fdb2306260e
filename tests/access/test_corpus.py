"""Nothing from outside is a 500: the corpus meets every route of the application, as every role.

The routes are read from the application: new ones join by themselves.
"""

from __future__ import annotations

import contextlib
import dataclasses
import functools
import urllib.parse
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from flask import Flask

from benchmarks.rig.backends import make_postgres_database
from server.app import create_app
from server.console.access import COOKIE, COOKIE_PATH
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
SIGN_IN = ("/console/sign-in", "/console/sign-in/code")
NAMES = list_names()
SEEN_WELL = 60
"""At least so many good answers, or what is sent never got past the door."""
ENGINES = ("sqlite", "postgresql")


@dataclass
class Target:
    """A busy college of one engine, and how its administrator and a student are let in."""

    busy: Busy
    desk: Desk

    @property
    def things(self) -> dict[str, str]:
        return self.busy.things

    def send(self, method: str, rule: str, path: str, **body: Any) -> int:
        """Send one request as who may; without a jar of cookies, which reads every address."""
        headers = {"Authorization": f"Bearer {self.busy.phones[0].token}"}
        if rule.startswith("/console"):
            headers["Cookie"] = self.cookies
        client = self.busy.app.test_client(use_cookies=False)
        answer = client.open(path, method=method, headers=headers, buffered=True, **body)
        has_left = answer.location == "/console/sign-in" and rule not in SIGN_IN
        assert not has_left, f"{method} {rule} signs the administrator out"
        return answer.status_code

    @property
    def cookies(self) -> str:
        config = self.busy.app.config
        places = {COOKIE: COOKIE_PATH, config["SESSION_COOKIE_NAME"]: "/"}
        kept = [self.desk.client.get_cookie(name, path=path) for name, path in places.items()]
        return "; ".join(f"{each.key}={each.value}" for each in kept if each)


@contextlib.contextmanager
def run_target(engine: str, folder: Path, base_settings: dict[str, Any]) -> Iterator[Target]:
    """A college of its own, because some of what is sent is taken."""
    with (
        make_postgres_database(is_durable=False)
        if engine == "postgresql"
        else contextlib.nullcontext() as url
    ):
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
        busy = make_busy(ctx, app)
        yield Target(busy, sign_in(app, "admin"))
        app.extensions["caiji_reads"].flush()  # its timer would open the pool again
        ctx.db.dispose()


@pytest.fixture(scope="module")
def targets(
    base_settings: dict[str, Any], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Callable[[str], Target]]:
    """One of each engine for the whole file, whatever the order of its tests."""
    with contextlib.ExitStack() as life:
        yield functools.cache(
            lambda engine: life.enter_context(
                run_target(engine, tmp_path_factory.mktemp(engine), base_settings)
            )
        )


@pytest.fixture(params=ENGINES)
def target(request: pytest.FixtureRequest, targets: Callable[[str], Target]) -> Target:
    return targets(request.param)


def list_routes(app: Flask) -> list[tuple[str, str, tuple[str, ...]]]:
    """Return method, rule and its parameters of every route but those that sign out."""
    return [
        (method, rule.rule, tuple(rule.arguments))
        for rule in app.url_map.iter_rules()
        for method in sorted((rule.methods or set()) - {"HEAD", "OPTIONS"})
        if rule.endpoint not in ENDS_THE_SESSION and not rule.endpoint.endswith("static")
    ]


def fill(target: Target, rule: str, value: str) -> str:
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
def test_no_value_surprises_a_route(target: Target, kind: str) -> None:
    value = VALUES[kind]
    token = csrf_of(target.desk.get("/console/account").text)
    surprises, seen = [], Counter[int]()
    for method, rule, _ in list_routes(target.busy.app):
        path = fill(target, rule, value)
        if method == "GET":
            status = target.send(method, rule, f"{path}?{encode(NAMES, value[:500])}")
        else:
            body = encode(NAMES, value) + f"&csrf_token={token}"
            content = "application/x-www-form-urlencoded"
            status = target.send(method, rule, path, data=body, content_type=content)
        seen[status] += 1
        if status >= 500 and status != 503:
            surprises.append(f"{method} {rule}: {status}")
    assert seen.total() > 80
    assert seen[200] >= SEEN_WELL, seen
    assert surprises == []


@pytest.mark.long
@pytest.mark.parametrize("kind", BODIES)
def test_no_body_surprises_a_route(target: Target, kind: str) -> None:
    content, body = BODIES[kind]
    surprises = []
    for method, rule, _ in list_routes(target.busy.app):
        if method == "GET":
            continue
        path = fill(target, rule, "x")
        status = target.send(method, rule, path, data=body, content_type=content)
        if status >= 500 and status != 503:
            surprises.append(f"{method} {rule}: {status}")
    assert surprises == []
