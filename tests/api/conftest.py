from __future__ import annotations

import uuid
from collections.abc import Callable

import pytest
from flask.testing import FlaskClient

from server.context import Context
from server.services.photo.check import check_photo
from tests.cast import Phone
from tests.fakes import FakeChecker


@pytest.fixture
def alice(client: FlaskClient) -> Phone:
    return Phone(client, "alice").sign_in()


@pytest.fixture
def bob(client: FlaskClient) -> Phone:
    return Phone(client, "bob").sign_in()


@pytest.fixture
def judge(demo: Context) -> Callable[..., None]:
    """Give the waiting photo its verdict, as the worker would."""

    def give(photo_id: str, verdict: str = "pass") -> None:
        check_photo(demo, FakeChecker(verdict), uuid.UUID(photo_id))

    return give
