from collections.abc import Iterator
from pathlib import Path

import pytest

from server.context import Context
from server.db import Database
from tests.backends import make_postgres_database
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
        with make_postgres_database() as url:
            yield url
    else:
        yield f"sqlite:///{tmp_path / 'target.db'}"


@pytest.fixture
def target(target_url: str) -> Iterator[Database]:
    db = Database(target_url)
    yield db
    db.dispose()
