"""A staff member at the console, over the test client; every page that is read is checked."""

from __future__ import annotations

from typing import Any

from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from tests.conftest import DEMO_PASSWORD
from tests.page import Page, csrf_of, read_page


class Desk:
    """One signed-in account with a cookie jar of its own."""

    def __init__(self, client: FlaskClient, account: str) -> None:
        self.client = client
        self.token = csrf_of(client.get("/console/sign-in").text)
        form = {"username": account, "password": DEMO_PASSWORD, "csrf_token": self.token}
        answer = client.post("/console/sign-in", data=form)
        assert answer.status_code == 302, answer.text
        self.token = csrf_of(client.get("/console/account").text)

    def get(self, path: str) -> TestResponse:
        return self.client.get(path)

    def read(self, path: str, status: int = 200) -> Page:
        answer = self.client.get(path)
        assert answer.status_code == status, answer.text
        return read_page(answer)

    def post(self, path: str, **form: Any) -> TestResponse:
        answer = self.client.post(path, data={"csrf_token": self.token, **form})
        # werkzeug's client leaves the temporary file of a large body to the garbage collector
        answer.request.environ["wsgi.input"].close()
        return answer

    def submit(self, path: str, **form: Any) -> str:
        """Post and return where it leads."""
        answer = self.post(path, **form)
        assert answer.status_code in {302, 303}, answer.text
        return answer.headers["Location"]
