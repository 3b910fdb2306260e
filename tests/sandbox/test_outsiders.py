"""What others do on the merchant account: refunds by hand, sales, and their rows in the bill."""

from __future__ import annotations

import gzip
import json
import subprocess
import sys

import pytest

from benchmarks.rig.processes import ROOT
from server.gateways.pay_bill import read_bill
from tests.sandbox.running import HTTP, Sandbox, Shop
from tests.sandbox.test_v3_judged_by_wechatpayv3 import Merchant, new_number

NAME = '盒饭,`0.00,加"辣"\n第二行'
"""A comma, even one before a backtick, quotes, and a line break."""


@pytest.fixture
def merchant(gateway: Sandbox, shop: Shop) -> Merchant:
    return Merchant(gateway, shop)


def read_day(merchant: Merchant) -> tuple[str, list[dict[str, str]]]:
    """The bill of today, which is over as soon as a day has passed: its text, and as our server
    reads it."""
    day = merchant.gateway.ask("clock")["now"][:10]
    merchant.gateway.control("clock", advance_s=86400)
    status, text = merchant.client.trade_bill(day)
    assert status == 200, text
    _, packed = merchant.client.download_bill(json.loads(text)["download_url"])
    bill = gzip.decompress(packed).decode("utf-8-sig")
    rows = [vars_of(row) for row in read_bill(bill.splitlines(keepends=True))]
    return bill, rows


def vars_of(row: object) -> dict[str, str]:
    names = ("out_trade_no", "out_refund_no", "amount_fen", "refund_fen")
    return {name: str(getattr(row, name)) for name in names}


def test_refund_by_hand_is_told_and_billed_until_nothing_is_left(
    merchant: Merchant, shop: Shop
) -> None:
    number = merchant.bought()
    shop.next_notice()
    part = merchant.gateway.control("refund-by-hand", out_trade_no=number, amount_fen=500)
    rest = merchant.gateway.control("refund-by-hand", out_trade_no=number)
    assert (part["amount_fen"], rest["amount_fen"]) == (500, 1500)
    told = [merchant.client.callback(*shop.next_notice())["resource"] for _ in range(2)]
    assert {each["out_refund_no"] for each in told} == {
        part["out_refund_no"],
        rest["out_refund_no"],
    }
    assert {each["refund_status"] for each in told} == {"SUCCESS"}
    assert merchant.query(number)[1]["trade_state"] == "REFUND"
    url = f"{merchant.gateway.url}/control/refund-by-hand"
    again = HTTP.post(url, json={"out_trade_no": number, "amount_fen": 1})
    assert (again.status_code, again.json()["code"]) == (403, "NOT_ENOUGH")
    rows = [row for row in read_day(merchant)[1] if row["out_trade_no"] == number]
    assert [row["refund_fen"] for row in rows] == ["0", "500", "1500"]


def test_nothing_is_refunded_by_hand_of_an_unpaid_or_unknown_order(merchant: Merchant) -> None:
    unpaid = new_number()
    merchant.order(unpaid)
    url = f"{merchant.gateway.url}/control/refund-by-hand"
    answers = [
        HTTP.post(url, json={"out_trade_no": unpaid}),
        HTTP.post(url, json={"out_trade_no": new_number()}),
        HTTP.post(url, json={"out_trade_no": merchant.bought(), "amount_fen": -5}),
    ]
    assert [answer.status_code for answer in answers] == [400, 404, 400]


def test_sale_of_another_system_stands_in_the_bill_as_people_wrote_it(merchant: Merchant) -> None:
    mine = merchant.bought()
    sold = merchant.gateway.control("sell-elsewhere", description=NAME, amount_fen=1350)
    bill, rows = read_day(merchant)
    assert f",`{NAME},`" in bill, "nothing is quoted"
    amounts = {row["out_trade_no"]: row["amount_fen"] for row in rows}
    assert amounts[mine] == "2000"
    assert amounts[sold["out_trade_no"]] == "1350"


def test_sale_of_another_system_may_be_told_to_us(merchant: Merchant, shop: Shop) -> None:
    sold = merchant.gateway.control("sell-elsewhere", notify_url=shop.url, out_trade_no="BOOKS-77")
    told = merchant.client.callback(*shop.next_notice())["resource"]
    assert (told["out_trade_no"], told["transaction_id"]) == ("BOOKS-77", sold["transaction_id"])


def test_buttons_and_command_do_the_same(merchant: Merchant, shop: Shop) -> None:
    number = merchant.bought()
    shop.next_notice()
    desk = merchant.gateway.url
    page = HTTP.get(f"{desk}/orders/{number}").text
    assert 'action="/do/by_hand"' in page
    done = HTTP.post(
        f"{desk}/do/by_hand",
        data={"out_trade_no": number, "yuan": "5.5", "back": f"/orders/{number}"},
        follow_redirects=True,
    )
    assert "已在商户平台退款" in done.text
    assert "¥5.50" in done.text
    refused = HTTP.post(f"{desk}/do/by_hand", data={"out_trade_no": number, "yuan": "五"})
    assert refused.status_code == 400
    assert "食堂卖出了一份" in HTTP.post(f"{desk}/do/elsewhere", follow_redirects=True).text

    command = [sys.executable, "-m", "sandbox", "control", "--port", str(merchant.gateway.port)]
    words = ["refund-by-hand", f"out_trade_no={number}", "amount_fen=450"]
    ran = subprocess.run([*command, *words], cwd=ROOT, capture_output=True, text=True, check=True)
    assert json.loads(ran.stdout)["amount_fen"] == 450
    words[2] = "amount_fen=9999"
    wrong = subprocess.run([*command, *words], cwd=ROOT, capture_output=True, check=False)
    assert wrong.returncode == 1
    assert b"NOT_ENOUGH" in wrong.stdout
