"""A wired context whose WeChat Pay is a small one inside the test."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select
from sqlalchemy.orm import joinedload
from werkzeug.test import TestResponse

from benchmarks.rig.wechat_side import WechatSide, write_key_files
from models import Staff
from server.context import Context
from server.services.money.settling.receive_notice import refused_budget
from server.services.photo.check import check_photo
from server.services.viewer import Viewer
from server.settings import Settings, load_settings
from tests.cast import Phone
from tests.fakes import FakeChecker
from tests.pay.finance_desk import FinanceDesk
from tests.pay.small_wechat import SmallWechat
from tests.pay.stub_gateway import Stub, run_stub


@pytest.fixture
def fresh_budget() -> None:
    """Forget what earlier tests made this process refuse."""
    refused_budget._window_start = 0.0


@pytest.fixture
def side() -> WechatSide:
    return WechatSide()


@pytest.fixture
def stub() -> Iterator[Stub]:
    with run_stub() as running:
        yield running


@pytest.fixture
def settings(
    base_settings: dict[str, Any],
    database_url: str,
    tmp_path: Path,
    stub: Stub,
    side: WechatSide,
) -> Settings:
    keys = write_key_files(tmp_path / "keys", side)
    addresses = {"pay_api_url": stub.url, "wechat_api_url": stub.url}
    own = {"data_dir": tmp_path, "database_url": database_url}
    return load_settings(**(base_settings | keys | addresses | own))


@pytest.fixture
def wechat(ctx: Context, stub: Stub, side: WechatSide) -> Iterator[SmallWechat]:
    yield SmallWechat(side, ctx.clock, stub)
    ctx.pay.close_connections()
    ctx.messages._transport.close()  # type: ignore[attr-defined]


@pytest.fixture
def finance(demo: Context) -> Viewer:
    """The finance account of the demo college, signed in."""
    with demo.db.read() as session:
        staff = session.scalars(
            select(Staff).where(Staff.username == "finance").options(joinedload(Staff.institution))
        ).one()
    return Viewer(
        staff_id=staff.id,
        username=staff.username,
        shown_name=staff.shown_name,
        role=staff.role,
        institution_id=staff.institution_id,
        institution_name=staff.institution.name,
        centre_ids=(),
        centre_name="",
        session_id=uuid.uuid4(),
        reauthenticated_at=demo.now(),
        must_change_password=False,
        has_totp=False,
    )


@pytest.fixture
def desk(app: Flask) -> FinanceDesk:
    return FinanceDesk(app.test_client(), "finance").sign_in()


@pytest.fixture
def alice(client: FlaskClient) -> Phone:
    return Phone(client, "alice").sign_in()


@pytest.fixture
def bob(client: FlaskClient) -> Phone:
    return Phone(client, "bob").sign_in()


@pytest.fixture
def pass_photo(demo: Context) -> Callable[[Phone, str], None]:
    """Let a student's photo arrive and pass."""

    def give(phone: Phone, enrolment_id: str) -> None:
        answer = phone.upload(enrolment_id)
        check_photo(demo, FakeChecker("pass"), uuid.UUID(answer.json["data"]["id"]))

    return give


@pytest.fixture
def ready(alice: Phone, pass_photo: Callable[[Phone, str], None]) -> str:
    """Alice's enrolment, its photo passed, nothing paid."""
    enrolment_id = alice.bound()
    pass_photo(alice, enrolment_id)
    return enrolment_id


@pytest.fixture
def notify(client: FlaskClient, side: WechatSide, demo: Context) -> Callable[..., TestResponse]:
    """Deliver a v3 notice as WeChat would."""

    def deliver(content: dict[str, Any], **options: Any) -> TestResponse:
        body = side.v3_notice(content, **options)
        headers = side.sign_headers(body, demo.now())
        return client.post("/pay/notify/v3", data=body, headers=headers)

    return deliver
