"""PyPI ``wechatpayv3``, which shares no code with us, buys, refunds and checks notices."""

from __future__ import annotations

import csv
import datetime as dt
import gzip
import hashlib
import itertools
import json
import re
import signal
import time
import uuid
from pathlib import Path
from typing import Any

import httpx
import pytest
from wechatpayv3 import WeChatPay, WeChatPayType
from wechatpayv3.core import Core

from benchmarks.rig.stack import wait_until
from sandbox.courier import SCHEDULE_S
from tests.sandbox.running import BUSY, Sandbox, Shop

STEPS_S = (15, 15, 30, 180, 600, 1200, 1800, 1800, 1800, 3600, *([10800] * 3), *([21600] * 2))


class Merchant:
    """The stranger's client, pointed at the sandbox; ``call`` returns status and content."""

    def __init__(self, gateway: Sandbox, shop: Shop, **changes: Any) -> None:
        self.gateway = gateway
        self.keys = gateway.ask("keys")
        public_id = next(name for name in self.keys["verify_keys"] if name.startswith("PUB_KEY_ID"))
        options = {
            "wechatpay_type": WeChatPayType.MINIPROG,
            "mchid": self.keys["mch_id"],
            "private_key": self.keys["merchant_private_key"],
            "cert_serial_no": self.keys["merchant_serial"],
            "apiv3_key": self.keys["api_v3_key"],
            "appid": self.keys["app_id"],
            "notify_url": shop.url,
            "public_key": self.keys["verify_keys"][public_id],
            "public_key_id": public_id,
            "timeout": 10,
        }
        self.client = WeChatPay(**{**options, **changes})
        self.client._core._gate_way = gateway.url
        self.openid = gateway.make_openid("stranger")

    def order(self, number: str = "", fen: Any = 2000, **changes: Any) -> tuple[int, Any]:
        status, text = self.client.pay(
            description="学历照片采集费",
            out_trade_no=number or new_number(),
            amount={"total": fen, "currency": "CNY"},
            payer={"openid": self.openid},
            **changes,
        )
        return status, json.loads(text)

    def bought(self, *faults: str) -> str:
        """Order and pay; returns the number."""
        number = new_number()
        status, content = self.order(number)
        assert status == 200, content
        self.gateway.control("pay", prepay_id=content["prepay_id"], faults=list(faults))
        return number

    def query(self, number: str) -> tuple[int, Any]:
        status, text = self.client.query(out_trade_no=number)
        return status, json.loads(text)

    def refund(self, number: str, fen: int = 2000, refund_no: str = "") -> tuple[int, Any]:
        status, text = self.client.refund(
            out_refund_no=refund_no or new_number(),
            out_trade_no=number,
            amount={"refund": fen, "total": 2000, "currency": "CNY"},
            reason="测试",
        )
        return status, json.loads(text)


def new_number() -> str:
    return uuid.uuid4().hex


@pytest.fixture
def merchant(gateway: Sandbox, shop: Shop) -> Merchant:
    return Merchant(gateway, shop)


def wait_for_attempts(gateway: Sandbox, number: str, count: int) -> None:
    wait_until(lambda: len(gateway.deliveries(number)) == count, what=f"attempt {count}")


def refusal(answer: tuple[int, Any]) -> tuple[int, str]:
    return answer[0], answer[1]["code"]


def test_order_is_paid_and_the_stranger_believes_the_notice(merchant: Merchant, shop: Shop) -> None:
    number = new_number()
    _, content = merchant.order(number)
    assert merchant.order(number)[1] == content
    assert merchant.query(number)[1]["trade_state"] == "NOTPAY"
    merchant.gateway.control("pay", prepay_id=content["prepay_id"], faults=[])
    notice = merchant.client.callback(*shop.next_notice())
    assert notice["event_type"] == "TRANSACTION.SUCCESS"
    assert notice["resource"]["out_trade_no"] == number
    assert notice["resource"]["amount"]["total"] == 2000
    assert notice["resource"]["payer"]["openid"] == merchant.openid
    status, paid = merchant.query(number)
    assert (status, paid["trade_state"]) == (200, "SUCCESS")
    status, text = merchant.client.query(transaction_id=paid["transaction_id"])
    assert (status, json.loads(text)["out_trade_no"]) == (200, number)
    merchant.gateway.control("pay", prepay_id=content["prepay_id"], faults=[])
    again = merchant.client.callback(*shop.next_notice())
    assert again["id"] == notice["id"]


def test_refund_runs_until_it_is_finished_and_its_notice_is_believed(
    merchant: Merchant, shop: Shop
) -> None:
    number = merchant.bought()
    shop.next_notice()
    refund_no = new_number()
    status, content = merchant.refund(number, refund_no=refund_no)
    assert (status, content["status"]) == (200, "PROCESSING")
    assert merchant.refund(number, refund_no=refund_no)[1]["refund_id"] == content["refund_id"]
    assert refusal(merchant.refund(number, 1)) == (403, "NOT_ENOUGH")
    merchant.gateway.control("finish-refund", out_refund_no=refund_no)
    notice = merchant.client.callback(*shop.next_notice())
    assert notice["event_type"] == "REFUND.SUCCESS"
    assert notice["resource"]["refund_status"] == "SUCCESS"
    status, text = merchant.client.query_refund(out_refund_no=refund_no)
    assert json.loads(text)["status"] == "SUCCESS"
    assert merchant.query(number)[1]["trade_state"] == "REFUND"


def test_closed_refund_frees_the_money_and_an_abnormal_one_does_not(
    merchant: Merchant, shop: Shop
) -> None:
    number = merchant.bought()
    shop.next_notice()
    first = new_number()
    merchant.refund(number, refund_no=first)
    merchant.gateway.control("finish-refund", out_refund_no=first, status="ABNORMAL")
    assert merchant.client.callback(*shop.next_notice())["event_type"] == "REFUND.ABNORMAL"
    assert refusal(merchant.refund(number)) == (403, "NOT_ENOUGH")
    merchant.gateway.control("finish-refund", out_refund_no=first, status="CLOSED")
    assert merchant.client.callback(*shop.next_notice())["event_type"] == "REFUND.CLOSED"
    assert merchant.refund(number)[0] == 200


def test_refusals_are_those_of_wechat(merchant: Merchant, gateway: Sandbox, shop: Shop) -> None:
    paid = merchant.bought()
    open_number = new_number()
    prepay_id = merchant.order(open_number)[1]["prepay_id"]
    assert merchant.query(new_number())[0] == 404
    assert refusal(merchant.query(new_number())) == (404, "ORDER_NOT_EXIST")
    assert refusal(merchant.order(open_number, fen=2001)) == (400, "OUT_TRADE_NO_USED")
    assert refusal(merchant.order(paid)) == (400, "ORDERPAID")
    for fen in (0, -1, "2000", 1.5, True, None):
        assert refusal(merchant.order(fen=fen)) == (400, "PARAM_ERROR")
    for number in ("short", "x" * 33, "has space", "汉字汉字汉字"):
        assert refusal(merchant.order(number)) == (400, "PARAM_ERROR")
    assert merchant.order(appid="wx0000000000000000")[0] == 400
    assert merchant.order(mchid="1900000001")[0] == 400
    assert merchant.order(time_expire="2020-01-01T00:00:00+08:00")[0] == 400
    status, text = merchant.client.close(out_trade_no=paid)
    assert (status, json.loads(text)["code"]) == (400, "ORDERPAID")
    assert merchant.client.close(out_trade_no=open_number)[0] == 204
    assert merchant.query(open_number)[1]["trade_state"] == "CLOSED"
    answer = httpx.post(f"{gateway.url}/control/pay", json={"prepay_id": prepay_id, "faults": []})
    assert (answer.status_code, answer.json()["code"]) == (400, "ORDER_CLOSED")
    assert refusal(merchant.refund(open_number)) == (400, "INVALID_REQUEST")
    assert merchant.refund(paid, 2001)[0] in {400, 403}
    assert merchant.refund(new_number())[0] == 404
    assert merchant.client.query_refund(out_refund_no=new_number())[0] == 404


def test_request_that_is_not_signed_by_the_merchant_gets_sign_error(
    gateway: Sandbox, shop: Shop, key_folder: Path
) -> None:
    foreign_key = (key_folder / "merchant.pem").read_text()
    stolen = Merchant(gateway, shop, private_key=foreign_key)
    foreign = Merchant(gateway, shop, mchid="1900000001")
    unknown = Merchant(gateway, shop, cert_serial_no="5157F09EFDC096DE15EBE81A47057A7200000000")
    for merchant in (stolen, foreign, unknown):
        assert refusal(merchant.order()) == (401, "SIGN_ERROR")
    unsigned = httpx.get(f"{gateway.url}/v3/certificates")
    assert (unsigned.status_code, unsigned.json()["code"]) == (401, "SIGN_ERROR")


def test_stale_request_gets_sign_error(merchant: Merchant, monkeypatch: pytest.MonkeyPatch) -> None:
    now = time.time()
    monkeypatch.setattr(time, "time", lambda: now - 301)
    assert refusal(merchant.query(new_number())) == (401, "SIGN_ERROR")


def test_merchant_without_the_public_key_lives_on_certificates(
    gateway: Sandbox, shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Core, "_init_certificates", lambda _core: None)  # its address is fixed
    merchant = Merchant(gateway, shop, public_key=None, public_key_id=None)
    number = merchant.bought()
    notice = merchant.client.callback(*shop.next_notice())
    assert notice["resource"]["out_trade_no"] == number
    assert merchant.query(number)[1]["trade_state"] == "SUCCESS"
    assert len(merchant.client._core._certificates) == 1


def test_stranger_takes_the_certificates_and_believes_answers_and_notices_with_them(
    gateway: Sandbox, shop: Shop
) -> None:
    merchant = Merchant(gateway, shop)
    merchant.client._core._update_certificates()
    assert len(merchant.client._core._certificates) == 1
    merchant.bought()
    first = shop.next_notice()
    merchant.bought("rotate_keys")
    second = shop.next_notice()
    assert first[0]["Wechatpay-Serial"] != second[0]["Wechatpay-Serial"]
    assert merchant.client.callback(*first)["event_type"] == "TRANSACTION.SUCCESS"
    assert merchant.client.callback(*second)["event_type"] == "TRANSACTION.SUCCESS"


@pytest.mark.parametrize("fault", ["unsigned", "foreign_signature"])
def test_stranger_refuses_an_answer_that_wechat_did_not_sign(
    merchant: Merchant, fault: str
) -> None:
    number = merchant.bought()
    merchant.gateway.control("faults", name=fault, call="query")
    with pytest.raises(Exception, match=r"signature|algorithm"):
        merchant.query(number)
    assert merchant.query(number)[0] == 200


@pytest.mark.parametrize(
    "fault",
    ["truncated", "reencoded", "wrong_key", "signtest", "unknown_serial", "missing_headers", "xxe"],
)
def test_stranger_refuses_a_spoilt_notice_and_believes_the_next(
    gateway: Sandbox, shop: Shop, fault: str
) -> None:
    shop.answers.put(BUSY)
    merchant = Merchant(gateway, shop)
    number = merchant.bought(fault)
    assert not believes(merchant, *shop.next_notice())
    wait_for_attempts(gateway, number, 1)
    gateway.control("clock", advance_s=15)
    assert believes(merchant, *shop.next_notice())
    wait_for_attempts(gateway, number, 2)
    log = gateway.deliveries(number)
    assert [(item["attempt"], item["status"], item["fault"]) for item in log] == [
        (0, 503, fault),
        (1, 204, None),
    ]


def believes(merchant: Merchant, headers: dict[str, str], body: bytes) -> bool:
    try:
        return bool(merchant.client.callback(headers, body))
    except Exception:  # noqa: BLE001 - the stranger raises bare exceptions for what it refuses
        return False


def test_fifteen_steps_after_the_first_attempt_and_never_again(
    gateway: Sandbox, shop: Shop
) -> None:
    shop.otherwise = BUSY
    merchant = Merchant(gateway, shop)
    number = merchant.bought()
    shop.next_notice()
    for step, seconds in enumerate(STEPS_S, start=1):
        wait_for_attempts(gateway, number, step)
        gateway.control("clock", advance_s=seconds - 1)
        gateway.control("clock", advance_s=1)
        assert merchant.client.callback(*shop.next_notice())["resource"]["out_trade_no"] == number
    wait_for_attempts(gateway, number, 16)
    times = [dt.datetime.fromisoformat(item["time"]) for item in gateway.deliveries(number)]
    waited_s = [(each - times[0]).total_seconds() for each in times[1:]]
    planned_s = itertools.accumulate(STEPS_S)
    assert all(waited >= planned - 1 for waited, planned in zip(waited_s, planned_s, strict=True))
    assert SCHEDULE_S == STEPS_S
    gateway.control("clock", advance_s=86400)
    other = merchant.bought()
    assert merchant.client.callback(*shop.next_notice())["resource"]["out_trade_no"] == other
    assert len(gateway.deliveries(number)) == 16


def test_bill_of_a_past_day_has_every_payment_and_refund(gateway: Sandbox, shop: Shop) -> None:
    merchant = Merchant(gateway, shop)
    number, refund_no = merchant.bought(), new_number()
    merchant.refund(number, 500, refund_no)
    gateway.control("finish-refund", out_refund_no=refund_no)
    day = merchant.query(number)[1]["success_time"][:10]
    assert merchant.client.trade_bill(day)[0] == 400
    gateway.control("clock", advance_s=86400)
    status, text = merchant.client.trade_bill(day)
    assert status == 200, text
    wanted = json.loads(text)
    status, packed = merchant.client.download_bill(wanted["download_url"])
    body = gzip.decompress(packed)
    assert hashlib.sha1(body, usedforsecurity=False).hexdigest() == wanted["hash_value"]
    bill = body.decode("utf-8-sig")
    rows = list(csv.reader(bill.splitlines()))
    mine = [row for row in rows if row[6:7] == [f"`{number}"]]
    assert [(row[9], row[12], row[16]) for row in mine] == [
        ("`SUCCESS", "`20.00", "`0.00"),
        ("`REFUND", "`0.00", "`5.00"),
    ]
    assert all(cell.startswith("`") for row in mine for cell in row)
    # what others sell may have a line break in its name: a row begins with its time
    assert rows[-1][0] == f"`{len(re.findall(r'^`[0-9]{4}-', bill, re.MULTILINE))}"


def test_ledger_and_open_deliveries_survive_kill_9(own_gateway: Sandbox, shop: Shop) -> None:
    shop.otherwise = BUSY
    merchant = Merchant(own_gateway, shop)
    number = merchant.bought()
    shop.next_notice()
    wait_for_attempts(own_gateway, number, 1)
    before = own_gateway.ask("ledger")
    own_gateway.stop(signal.SIGKILL)
    own_gateway.start()
    assert own_gateway.ask("ledger") == before
    assert own_gateway.ask("keys") == merchant.keys
    shop.otherwise = (204, b"")
    own_gateway.control("clock", advance_s=15)
    assert merchant.client.callback(*shop.next_notice())["resource"]["out_trade_no"] == number
