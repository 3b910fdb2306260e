from __future__ import annotations

import pytest
from flask import Flask

from models import Enrolment, Verdict
from server.context import Context
from tests.console.standing import bind, get_rows, reject, send
from tests.desk import Desk, sign_in


@pytest.fixture
def admin(app: Flask) -> Desk:
    return sign_in(app, "admin")


@pytest.fixture
def other_admin(app: Flask) -> Desk:
    return sign_in(app, "admin")


@pytest.fixture
def reviewer(app: Flask) -> Desk:
    return sign_in(app, "reviewer")


@pytest.fixture
def five(demo: Context) -> list[Enrolment]:
    """Never signed in, signed in, failed twice, unpaid, rejected."""
    rows = get_rows(demo, 5)
    for row in rows[1:]:
        bind(demo, row)
    send(demo, rows[2], Verdict.FAIL, "光线太暗")
    send(demo, rows[2], Verdict.FAIL, "眼睛没有睁开")
    send(demo, rows[3], Verdict.PASS)
    send(demo, rows[4], Verdict.PASS)
    reject(demo, rows[4])
    return rows
