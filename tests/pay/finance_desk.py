"""A staff member at the money's pages, every one of which is checked as a whole."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Any

from flask.testing import FlaskClient
from sqlalchemy import select
from werkzeug.test import TestResponse

from models import AuditEntry
from server.context import Context
from server.gateways.clock import to_local
from tests.conftest import DEMO_PASSWORD
from tests.page import Page, csrf_of, read_page


@dataclass
class FinanceDesk:
    """A staff member at the console: every page that is read is checked as a whole."""

    client: FlaskClient
    username: str

    def sign_in(self) -> FinanceDesk:
        form = csrf_of(self.client.get("/console/sign-in").text)
        answer = self.client.post(
            "/console/sign-in",
            data={"csrf_token": form, "username": self.username, "password": DEMO_PASSWORD},
        )
        assert answer.status_code == 302, answer.text
        return self

    def get(self, path: str, status: int = 200) -> Page:
        answer = self.client.get(f"/console{path}")
        assert answer.status_code == status, answer.text
        return read_page(answer)

    def post(self, path: str, **fields: str) -> TestResponse:
        token = csrf_of(self.client.get("/console/account").text)
        return self.client.post(f"/console{path}", data={"csrf_token": token, **fields})

    def act(self, path: str, **fields: str) -> Page:
        """Post a form that is expected to work and return the page that it leads to."""
        answer = self.post(path, **fields)
        assert answer.status_code == 303, answer.text
        return self.get(answer.location.removeprefix("/console"))


def audited(ctx: Context, action: str) -> list[dict[str, Any]]:
    with ctx.db.read() as session:
        entries = session.scalars(select(AuditEntry).where(AuditEntry.action == action)).all()
    return [entry.detail for entry in entries]


def yesterday(ctx: Context) -> str:
    return (to_local(ctx.now()).date() - dt.timedelta(days=1)).isoformat()


def headings(page: Page) -> list[str]:
    return ["".join(each.itertext()).strip() for each in page.all("h2")]


def wechat_is_silent() -> Any:
    from tests.pay.stub_gateway import Reply

    return Reply(502, b"<html>Bad Gateway</html>")
