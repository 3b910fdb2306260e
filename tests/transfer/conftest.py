from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from benchmarks.rig.backends import make_postgres_database
from server.context import Context
from server.database_roles import open_as_owner
from server.db import Database
from server.settings import Settings
from tests.transfer.college import fill_college


@pytest.fixture
def college(demo: Context) -> Context:
    """The demo college in which every table has rows."""
    fill_college(demo)
    return demo


@pytest.fixture
def target_url(ctx: Context, tmp_path: Path) -> Iterator[str]:
    """An empty database of the other engine, without a schema."""
    if ctx.db.is_sqlite:
        with make_postgres_database(is_durable=False) as url:
            yield url
    else:
        yield f"sqlite:///{tmp_path / 'target.db'}"


@pytest.fixture
def target(target_url: str) -> Iterator[Database]:
    db = Database(target_url)
    yield db
    db.dispose()


@pytest.fixture
def granting_owner(request: pytest.FixtureRequest, ctx: Context) -> Iterator[Database]:
    """The database as ``flask restore`` opens it: what is made anew serves the service, too."""
    if ctx.db.is_sqlite:
        yield ctx.db
        return
    addresses = request.getfixturevalue("postgres")
    db = open_as_owner(Settings(database_url=addresses.service, database_owner_url=addresses.owner))
    yield db
    db.dispose()
