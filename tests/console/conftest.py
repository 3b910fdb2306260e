import pytest
from flask import Flask

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
