import pytest
from flask import Flask

from tests.console.desk import Desk


@pytest.fixture
def admin(app: Flask) -> Desk:
    return Desk(app.test_client(), "admin")


@pytest.fixture
def other_admin(app: Flask) -> Desk:
    return Desk(app.test_client(), "admin")


@pytest.fixture
def reviewer(app: Flask) -> Desk:
    return Desk(app.test_client(), "reviewer")
