"""Fixtures of the tests of what the law asks: the same desks and phones as elsewhere."""

from __future__ import annotations

import pytest
from flask import Flask
from sqlalchemy import select

from models import Institution
from server.context import Context
from server.demo import INSTITUTION
from tests.desk import Desk, sign_in


@pytest.fixture
def admin(app: Flask) -> Desk:
    return sign_in(app, "admin")


@pytest.fixture
def institution(demo: Context) -> Institution:
    with demo.db.read() as session:
        return session.scalars(select(Institution).where(Institution.name == INSTITUTION)).one()
