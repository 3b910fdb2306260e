"""What WeChat sends and no document describes is kept, counted or refused; no day is lost."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from flask.testing import FlaskClient
from sqlalchemy import func, select

from models import OrderState, PaymentNotice
from server.context import Context
from server.gateways.pay_bill import read_bill
from server.gateways.transport import GatewayUnavailable
from server.services.money.books.reconcile import BillNotReady, reconcile
from tests.cast import Phone
from tests.pay.small_wechat import SmallWechat
from tests.pay.test_callbacks import held, load_order
from tests.pay.test_edges import CANTEEN
from tests.pay.test_order_life import open_order
from tests.pay.test_reconcile import HEADER, SUMMARY, differences, payment_line, serve_bill, today

Notify = Callable[..., Any]


def test_bill_is_split_at_its_backticks() -> None:
    names = HEADER.strip().split(",")
    header = ",".join([*names, "商品名称", "费率"]) + "\n"
    line = payment_line(
        {
            "success_time": "2026-10-01T10:00:00+08:00",
            "appid": "a",
            "mchid": "m",
            "transaction_id": "4200",
            "out_trade_no": "CJ20261001100000AB12",
            "payer": {"openid": "o"},
        }
    ).strip()
    odd = [line + f",`{name},`0.60%\n" for name in ("茶,米", "茶\n米", "茶\n,`米", '茶"米')]
    rows = list(read_bill((header + "".join(odd) + SUMMARY).splitlines(keepends=True)))
    assert [(row.out_trade_no, row.amount_fen) for row in rows] == [
        ("CJ20261001100000AB12", 2000)
    ] * 4
    cut = header + line.rsplit(",`", 3)[0] + "\n" + odd[0] + SUMMARY
    with pytest.raises(GatewayUnavailable):
        list(read_bill(cut.splitlines(keepends=True)))


@pytest.mark.parametrize(
    ("good", "odd"),
    [
        ("`20.00,", "`20.005,"),
        ("`20.00,", "`free,"),
        ("`20.00,", "`-20.00,"),
        ("`20.00,", "`2E+99,"),
        ("`2026", "`0000"),
    ],
)
def test_odd_line_of_the_canteen_does_not_lose_the_day(
    good: str,
    odd: str,
    alice: Phone,
    ready: str,
    wechat: SmallWechat,
    notify: Notify,
    demo: Context,
) -> None:
    payment = wechat.pay(open_order(alice, ready)["out_trade_no"])
    payment |= {"success_time": demo.now().isoformat()}
    assert notify(payment).status_code == 204
    ours = payment_line(payment)
    theirs = payment_line(payment | {"out_trade_no": CANTEEN, "transaction_id": "4200C"})
    serve_bill(wechat, theirs.replace(good, odd), ours)
    run = reconcile(demo, today(demo))
    assert (run.bill_rows, run.foreign_rows, run.paid_fen) == (2, 1, 2000)
    assert differences(demo) == []
    serve_bill(wechat, theirs, ours.replace(good, odd))
    with pytest.raises(BillNotReady):
        reconcile(demo, today(demo))


@pytest.mark.engines
@pytest.mark.parametrize("number", ["TEA\x00", b"\xb2\xe8".decode(errors="surrogateescape")])
def test_bytes_that_no_database_keeps_do_not_lose_the_day(
    number: str, wechat: SmallWechat, demo: Context
) -> None:
    theirs = wechat.side.v3_payment(CANTEEN, "o", success_time="2026-10-01T10:00:00+08:00")
    serve_bill(wechat, payment_line(theirs).replace(CANTEEN, number))
    run = reconcile(demo, today(demo))
    assert (run.bill_rows, run.foreign_rows, run.error) == (1, 1, "")


@pytest.mark.parametrize(
    "changes",
    [
        {"amount": {"total": 9999999999, "currency": "CNY"}},
        {"amount": {"total": 10**40, "currency": "CNY"}},
        {"amount": {"total": 2000, "currency": "C\x00NY" * 20}},
        {"transaction_id": "4200\x00" + "9" * 40},
        {"transaction_id": "9" * 128},
        {"payer": {"openid": "\x00"}},
        {"payer": {"openid": "\ud800"}},
        {"success_time": "9999-12-31T23:59:59+00:00"},
        {"success_time": "1970-01-01T00:00:00+08:00"},
        {"success_time": "yesterday"},
        {"success_time": "0001-01-01T00:00:00+08:00"},
        {"amount": {"total": -2000, "currency": "CNY"}},
        {"amount": {"total": 20.5, "currency": "CNY"}},
        {"amount": {"total": "2000", "currency": "CNY"}},
        {"amount": None},
        {"payer": "openid"},
        {"transaction_id": ""},
        {"transaction_id": 4200},
        {"trade_state": "WON"},
    ],
)
def test_genuine_news_that_cannot_be_is_kept_for_finance(
    changes: dict[str, Any],
    alice: Phone,
    ready: str,
    wechat: SmallWechat,
    notify: Notify,
    demo: Context,
) -> None:
    number = open_order(alice, ready)["out_trade_no"]
    payment = wechat.pay(number)
    assert notify(payment | changes).status_code == 204
    assert [row.resolved_at for row in held(demo)] == [None]
    assert load_order(demo, number).state is OrderState.QUARANTINED


def test_what_was_unreadable_settles_once_it_can_be_read(
    alice: Phone, ready: str, wechat: SmallWechat, notify: Notify, demo: Context
) -> None:
    number = open_order(alice, ready)["out_trade_no"]
    payment = wechat.pay(number)
    odd = payment | {"amount": {"total": -1}}
    assert [notify(odd, notice_id="EV-1").status_code for _ in range(2)] == [204, 204]
    assert alice.enrolment(ready)["next_step"] == "wait_money"
    (row,) = held(demo)
    assert (row.reason, row.amount_fen, row.out_trade_no) == ("implausible", 0, number)
    assert row.detail == "通知内容无法识别：total is no amount"
    assert notify(payment, notice_id="EV-2").status_code == 204
    assert load_order(demo, number).state is OrderState.PAID
    assert [row.resolution for row in held(demo)] == ["accept"]


@pytest.mark.parametrize("amount", [{"refund": -5}, {"refund": "all"}, None])
def test_refund_that_cannot_be_read_is_kept_for_finance(
    amount: object, alice: Phone, ready: str, wechat: SmallWechat, notify: Notify, demo: Context
) -> None:
    number = open_order(alice, ready)["out_trade_no"]
    payment = wechat.pay(number)
    assert notify(payment).status_code == 204
    refund = {
        "mchid": payment["mchid"],
        "out_trade_no": number,
        "transaction_id": payment["transaction_id"],
        "out_refund_no": "BY-HAND",
        "refund_id": "501",
        "refund_status": "SUCCESS",
        "amount": amount,
    }
    assert notify(refund, event_type="REFUND.SUCCESS").status_code == 204
    assert [(row.source, row.reason) for row in held(demo)] == [("refund", "implausible")]
    assert load_order(demo, number).state is OrderState.PAID


@pytest.mark.parametrize("number", [CANTEEN, "x" * 500])
def test_unreadable_news_of_other_systems_is_counted_only(
    number: str, wechat: SmallWechat, notify: Notify, demo: Context
) -> None:
    theirs = wechat.side.v3_payment(number, "o", amount={"total": -1})
    assert notify(theirs).status_code == 204
    assert held(demo) == []


@pytest.mark.parametrize(
    "body", [b"[" * 100_000, b'{"a":' * 100_000, json.dumps({"id": "\x00"}).encode(), b"\xff\x00"]
)
def test_what_cannot_be_parsed_is_refused(
    body: bytes, client: FlaskClient, wechat: SmallWechat, demo: Context
) -> None:
    headers = wechat.side.sign_headers(body, demo.now())
    answer = client.post("/pay/notify/v3", data=body, headers=headers)
    assert 400 <= answer.status_code < 500


@pytest.mark.usefixtures("fresh_budget")
def test_forged_notices_fill_no_disk(client: FlaskClient, demo: Context) -> None:
    for place in range(30):
        forged = f"{place}".encode() + b"x" * 60_000
        assert client.post("/pay/notify/v3", data=forged).status_code == 401
    with demo.db.read() as session:
        size = session.scalar(select(func.sum(func.length(PaymentNotice.body_encrypted))))
        count = session.scalar(select(func.count()).select_from(PaymentNotice))
    assert 0 < (count or 0) <= 20
    assert (size or 0) < 20 * 1024
