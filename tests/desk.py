"""A staff member at the console of the in-process application."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from tests.page import Page, csrf_of, read_page

DEMO_PASSWORD = "demo-password-1"


@dataclass
class Desk:
    """One signed-in staff member. Every page that is read is checked."""

    client: FlaskClient
    username: str

    def get(self, path: str, **options: Any) -> TestResponse:
        return self.client.get(path, buffered=True, **options)

    def read(self, path: str, status: int = 200) -> Page:
        answer = self.get(path)
        assert answer.status_code == status, f"{path}: {answer.status_code} {answer.text[:500]}"
        return read_page(answer)

    def post(self, path: str, **fields: Any) -> TestResponse:
        token = csrf_of(self.get("/console/account").text)
        answer = self.client.post(path, data={"csrf_token": token, **fields})
        # werkzeug's client leaves the temporary file of a large body to the garbage collector
        answer.request.environ["wsgi.input"].close()
        return answer

    def submit(self, path: str, **fields: Any) -> str:
        """Post and return where it leads."""
        answer = self.post(path, **fields)
        assert answer.status_code in {302, 303}, answer.text
        return answer.headers["Location"]


def sign_in(app: Flask, username: str, password: str = DEMO_PASSWORD) -> Desk:
    client = app.test_client()
    token = csrf_of(client.get("/console/sign-in").text)
    answer = client.post(
        "/console/sign-in",
        data={"username": username, "password": password, "csrf_token": token},
    )
    assert answer.status_code == 302, answer.text
    return Desk(client, username)
