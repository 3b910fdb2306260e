from __future__ import annotations

import uuid
from collections.abc import Callable

import pytest
from flask import Flask
from flask.testing import FlaskClient

from server.context import Context
from server.services.photo.check import check_photo
from tests.cast import JPEG, Phone
from tests.desk import Desk, sign_in
from tests.fakes import FakeChecker


@pytest.fixture
def alice(client: FlaskClient) -> Phone:
    return Phone(client, "alice").sign_in()


@pytest.fixture
def bob(client: FlaskClient) -> Phone:
    return Phone(client, "bob").sign_in()


@pytest.fixture
def desk(app: Flask) -> Desk:
    return sign_in(app, "admin")


@pytest.fixture
def send_photo(demo: Context) -> Callable[[Phone, str], str]:
    """Upload a photo of one's own and give it its verdict."""

    def send(phone: Phone, enrolment_id: str) -> str:
        answer = phone.upload(enrolment_id, JPEG + phone.user.encode())
        photo_id: str = answer.json["data"]["id"]
        check_photo(demo, FakeChecker("pass"), uuid.UUID(photo_id))
        return photo_id

    return send
