from __future__ import annotations

import datetime as dt

import pytest
from sqlalchemy import update

from models import FeatureCode
from server.context import Context
from tests.cast import Phone, assert_refused


def change_code(ctx: Context, **values: object) -> None:
    with ctx.db.write() as session:
        session.execute(update(FeatureCode).values(**values))


@pytest.mark.parametrize("typed", ["y0814v", "Y0814V", "%20y0814V%20"])
def test_case_and_spaces_do_not_matter(alice: Phone, typed: str) -> None:
    data = alice.call("GET", f"/codes/{typed}").json["data"]
    assert data["institution"] == "北京示范大学网络教育学院"
    assert data["mode"] == "集中采集"
    assert data["fee_fen"] == 2000
    assert data["consent"]["version"]
    assert "照片" in data["consent"]["text"]
    assert data["next_cutoff_at"].startswith("2026-11-10T15:59:59")
    assert data["is_open"] is True


@pytest.mark.parametrize("typed", ["abcd", "y0814", "y0814vv", "特征码", "y0814v'--", "x" * 300])
def test_unknown_codes_get_one_answer(alice: Phone, typed: str) -> None:
    assert_refused(alice.call("GET", f"/codes/{typed}"), 404, "feature_code_unknown")


def test_disabled_code_is_as_unknown(alice: Phone, demo: Context) -> None:
    change_code(demo, is_enabled=False)
    assert_refused(alice.call("GET", "/codes/y0814v"), 404, "feature_code_unknown")
    assert_refused(alice.bind(), 404, "feature_code_unknown")


def test_code_before_its_window_is_shown_but_not_open(alice: Phone, demo: Context) -> None:
    change_code(demo, opens_at=demo.now() + dt.timedelta(days=1))
    assert alice.call("GET", "/codes/y0814v").json["data"]["is_open"] is False
    assert_refused(alice.bind(), 409, "feature_code_not_open")


def test_code_after_its_window_is_closed(alice: Phone, demo: Context) -> None:
    enrolment = alice.bound()
    change_code(demo, closes_at=demo.now() - dt.timedelta(seconds=1))
    assert_refused(alice.bind(1), 409, "feature_code_closed")
    assert_refused(alice.upload(enrolment), 409, "feature_code_closed")
