"""The callback address of a real web process: floods of equal notices, hostile bodies."""

from __future__ import annotations

import datetime as dt
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import httpx
import pytest
from sqlalchemy import func, select

from benchmarks.callbacks import OPENID, fill, make_environment, run_gunicorn
from benchmarks.rig.stack import HTTP
from benchmarks.rig.wechat_side import WechatSide
from models import Order, OrderState, PaymentNotice, QuarantinedPayment, StatusChange
from server.db import Database

V2_SUCCESS = (
    b"<xml><return_code><![CDATA[SUCCESS]]></return_code>"
    b"<return_msg><![CDATA[OK]]></return_msg></xml>"
)
DTD = '<?xml version="1.0"?><!DOCTYPE x [{}]>'
HOSTILE = {
    "xxe": (DTD.format('<!ENTITY e SYSTEM "file:///etc/passwd">') + "<xml>&e;</xml>").encode(),
    "bomb": (
        DTD.format(
            '<!ENTITY a "aaaaaaaaaa">'
            + "".join(f'<!ENTITY {b} "{10 * f"&{a};"}">' for a, b in pairwise("abcdefghi"))
        )
        + "<xml>&i;</xml>"
    ).encode(),
    "deep-xml": b"<xml>" + b"<a>" * 5000 + b"</a>" * 5000 + b"</xml>",
    "deep-json": b'{"a":' * 5000 + b"1" + b"}" * 5000,
    "deep-list": b"[" * 5000 + b"]" * 5000,
    "5MB": b"x" * 5_000_000,
    "5MB-xml": b"<xml><a>" + b"y" * 5_000_000 + b"</a></xml>",
    "bytes": bytes(range(256)) * 8,
}


@dataclass
class Web:
    """A running web process, its orders, and WeChat's side of the keys."""

    url: str
    version: str
    side: WechatSide
    db: Database
    numbers: list[str]

    def make_notice(self, number: str, **changes: Any) -> tuple[bytes, dict[str, str]]:
        if self.version == "v2":
            return self.side.v2_message(self.side.v2_payment(number, OPENID, **changes)), {}
        body = self.side.v3_notice(self.side.v3_payment(number, OPENID, **changes))
        return body, self.side.sign_headers(body, dt.datetime.now(dt.UTC))

    def send(self, body: bytes, headers: dict[str, str]) -> httpx.Response:
        address = f"{self.url}/pay/notify/{self.version}"
        return HTTP.post(address, content=body, headers=headers, timeout=20)

    def is_kept(self, answer: httpx.Response) -> bool:
        if self.version == "v2":
            return answer.status_code == 200 and answer.content == V2_SUCCESS
        return answer.status_code == 204

    def is_refused(self, answer: httpx.Response) -> bool:
        return answer.status_code >= 400 and b"FAIL" in answer.content

    def count(self, table: Any, *conditions: Any) -> int:
        with self.db.read() as session:
            return session.scalar(select(func.count()).select_from(table).where(*conditions)) or 0

    def state_of(self, number: str) -> OrderState:
        with self.db.read() as session:
            return session.scalars(select(Order.state).where(Order.out_trade_no == number)).one()


@pytest.fixture
def web(database_url: str, version: str, tmp_path: Path) -> Iterator[Web]:
    side = WechatSide()
    environment = make_environment(tmp_path, side, database_url) | {"CAIJI_PAY_VERSION": version}
    numbers = fill(database_url, environment, 3)
    db = Database(database_url)
    with run_gunicorn("wsgi:app", environment) as port:
        yield Web(f"http://127.0.0.1:{port}", version, side, db, numbers)
    db.dispose()


@pytest.mark.parametrize(
    ("database_url", "version"),
    [
        ("sqlite", "v3"),
        ("sqlite", "v2"),
        pytest.param("postgresql", "v3", marks=pytest.mark.long),
    ],
    indirect=["database_url"],
)
def test_callbacks_over_http(web: Web) -> None:
    """One web process for the whole story: starting it costs more than the story."""
    fifty_equal_notices_settle_once(web)
    another_notice_of_the_same_payment_changes_nothing(web)
    second_transaction_is_held(web)
    what_cannot_be_read_is_held(web)
    hostile_bodies_are_refused_in_time(web)
    assert web.is_kept(web.send(*web.make_notice(web.numbers[1]))), "it works afterwards"


def fifty_equal_notices_settle_once(web: Web) -> None:
    notice = web.make_notice(web.numbers[0])
    answers: list[httpx.Response] = []
    threads = [
        threading.Thread(target=lambda: answers.append(web.send(*notice))) for _ in range(50)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(answers) == 50
    assert all(web.is_kept(each) or web.is_refused(each) for each in answers)
    assert any(web.is_kept(each) for each in answers)
    assert web.state_of(web.numbers[0]) is OrderState.PAID
    assert web.count(PaymentNotice, PaymentNotice.out_trade_no == web.numbers[0]) == 1
    assert count_moves(web) == 1
    assert web.count(QuarantinedPayment) == 0


def count_moves(web: Web) -> int:
    mine = select(Order.enrolment_id).where(Order.out_trade_no.in_(web.numbers))
    return web.count(StatusChange, StatusChange.enrolment_id.in_(mine))


def another_notice_of_the_same_payment_changes_nothing(web: Web) -> None:
    changes = {"time_end": "20261124100001"} if web.version == "v2" else {}
    assert web.is_kept(web.send(*web.make_notice(web.numbers[0], **changes)))
    assert count_moves(web) == 1


def second_transaction_is_held(web: Web) -> None:
    assert web.is_kept(web.send(*web.make_notice(web.numbers[0], transaction_id="4200TWICE")))
    assert web.count(QuarantinedPayment, QuarantinedPayment.reason == "paid_twice") == 1
    assert web.state_of(web.numbers[0]) is OrderState.PAID


def what_cannot_be_read_is_held(web: Web) -> None:
    odd = {"total_fee": "-2000"} if web.version == "v2" else {"amount": {"total": -2000}}
    assert web.is_kept(web.send(*web.make_notice(web.numbers[2], **odd)))
    assert web.count(QuarantinedPayment, QuarantinedPayment.reason == "implausible") == 1
    assert web.state_of(web.numbers[2]) is OrderState.QUARANTINED


def hostile_bodies_are_refused_in_time(web: Web) -> None:
    for path in ("v3", "v2"):
        for name, body in HOSTILE.items():
            started = time.monotonic()
            answer = HTTP.post(f"{web.url}/pay/notify/{path}", content=body, timeout=20)
            assert 400 <= answer.status_code < 500, name
            assert b"FAIL" in answer.content, name
            assert b"SUCCESS" not in answer.content, name
            assert b"root:" not in answer.content, name
            assert time.monotonic() - started < 5, name
