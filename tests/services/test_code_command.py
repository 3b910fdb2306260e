"""``flask code add`` as an operator runs it."""

from __future__ import annotations

import datetime as dt

import pytest
from sqlalchemy import select

from models import FeatureCode
from server.context import Context
from tests.commands import run_flask

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)


@pytest.mark.parametrize(
    ("until", "last"),
    [
        ("2026-11-27", "2026-11-27T23:59:59+08:00"),
        ("2026-11-27 12:00:00", "2026-11-27T12:00:00+08:00"),
    ],
)
def test_code_without_a_fee_lasts_to_the_end_of_its_last_day(
    demo: Context, until: str, last: str
) -> None:
    done = run_flask(demo, "code", "add", "free01", "--fee-fen", "0", "--closes-at", until)
    assert done.returncode == 0, done.stderr
    with demo.db.read() as session:
        row = session.scalars(select(FeatureCode).where(FeatureCode.code == "free01")).one()
    assert (row.fee_fen, row.closes_at) == (0, dt.datetime.fromisoformat(last))
    wrong = run_flask(demo, "code", "add", "debt01", "--fee-fen=-1")
    assert (wrong.returncode, "0-100000" in wrong.stderr) == (1, True)
