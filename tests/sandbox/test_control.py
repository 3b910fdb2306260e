"""The control API: its formats, and that bad input changes nothing."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey

from sandbox.faults import GATEWAY_FAULTS, NOTICE_FAULTS
from tests.sandbox.running import HTTP, Sandbox, Shop
from tests.sandbox.test_v3_judged_by_wechatpayv3 import Merchant, new_number, wait_for_attempts

NAMED_BY_THE_CONTRACT = {
    *("app_id", "app_secret", "mch_id", "api_v3_key", "api_v2_key"),
    *("merchant_serial", "merchant_private_key", "verify_keys"),
}


@pytest.fixture
def merchant(gateway: Sandbox, shop: Shop) -> Merchant:
    return Merchant(gateway, shop)


def test_keys_have_the_names_of_the_contract(gateway: Sandbox) -> None:
    keys = gateway.ask("keys")
    assert keys.keys() == NAMED_BY_THE_CONTRACT
    assert len(keys["api_v3_key"]) == len(keys["api_v2_key"]) == 32
    assert sum(serial.startswith("PUB_KEY_ID_") for serial in keys["verify_keys"]) == 1


def test_every_fault_is_listed_with_one_line(gateway: Sandbox) -> None:
    items = gateway.ask("faults")["items"]
    assert {item["name"] for item in items} == {*NOTICE_FAULTS, *GATEWAY_FAULTS}
    assert all(item["explanation"] and "\n" not in item["explanation"] for item in items)


def test_duplicate_is_the_same_notice_twice_and_each_attempt_is_listed(
    merchant: Merchant, shop: Shop
) -> None:
    number = merchant.bought("duplicate")
    first, second = shop.next_notice(), shop.next_notice()
    assert json.loads(first[1])["id"] == json.loads(second[1])["id"]
    wait_for_attempts(merchant.gateway, number, 2)
    for item in merchant.gateway.deliveries(number):
        assert item.keys() >= {"time", "url", "status", "fault"}
        assert (item["url"], item["status"], item["fault"]) == (shop.url, 204, "duplicate")


def test_dropped_notice_never_arrives(merchant: Merchant) -> None:
    number = merchant.bought("drop")
    merchant.gateway.control("clock", advance_s=86400)
    assert [item["status"] for item in merchant.gateway.deliveries(number)] == [None]
    assert merchant.query(number)[1]["trade_state"] == "SUCCESS"


def test_fault_of_an_answer_may_come_with_the_payment(merchant: Merchant) -> None:
    number = merchant.bought("unsigned")
    with pytest.raises(Exception, match="algorithm"):
        merchant.query(number)
    assert merchant.query(number)[0] == 200


def test_prepay_id_ends_after_two_hours_and_the_order_gets_another(merchant: Merchant) -> None:
    number = new_number()
    late = {"time_expire": "2099-01-01T00:00:00+08:00"}
    old = merchant.order(number, **late)[1]["prepay_id"]
    merchant.gateway.control("clock", advance_s=7200)
    answer = HTTP.post(f"{merchant.gateway.url}/control/pay", json={"prepay_id": old})
    assert (answer.status_code, answer.json()["code"]) == (400, "ORDER_CLOSED")
    new = merchant.order(number, **late)[1]["prepay_id"]
    assert new != old
    merchant.gateway.control("pay", prepay_id=new, faults=[])
    assert merchant.query(number)[1]["trade_state"] == "SUCCESS"


def test_order_without_expiry_closes_by_itself(merchant: Merchant) -> None:
    number = new_number()
    merchant.order(number)
    merchant.gateway.control("clock", advance_s=7200)
    assert merchant.query(number)[1]["trade_state"] == "CLOSED"


@pytest.mark.parametrize(
    ("call", "body"),
    [
        ("login-code", {}),
        ("login-code", {"user": ""}),
        ("login-code", {"user": "x" * 65}),
        ("login-code", {"user": ["alice"]}),
        ("login-code", {"user": "alice", "errcode": 7}),
        ("login-code", {"user": "alice", "errcode": [7]}),
        ("pay", {"prepay_id": "nobody-has-it"}),
        ("pay", {"prepay_id": {}}),
        ("cancel", {"prepay_id": "nobody-has-it"}),
        ("finish-refund", {"out_refund_no": "nobody-has-it"}),
        ("finish-refund", {"out_refund_no": "nobody-has-it", "status": ["SUCCESS"]}),
        ("clock", {"advance_s": -1}),
        ("clock", {"advance_s": "soon"}),
        ("clock", {"advance_s": 1e12}),
        ("faults", {"name": "no-such-fault"}),
        ("faults", {"name": "hang", "call": "no-such-call"}),
        ("faults", {"name": "hang", "count": "many"}),
        ("allow-messages", {"user": "alice"}),
        ("allow-messages", {"user": "alice", "template_id": "T", "count": 0.5}),
    ],
)
def test_bad_input_is_a_refusal(gateway: Sandbox, call: str, body: Any) -> None:
    answer = HTTP.post(f"{gateway.url}/control/{call}", json=body)
    assert answer.status_code in {400, 404}
    assert answer.json()["code"]
    assert answer.json()["message"]


@pytest.mark.parametrize("faults", ["drop", ["no-such-fault"], [1], {"drop": 1}])
def test_unknown_fault_pays_nothing(merchant: Merchant, faults: Any) -> None:
    number = new_number()
    prepay_id = merchant.order(number)[1]["prepay_id"]
    body = {"prepay_id": prepay_id, "faults": faults}
    answer = HTTP.post(f"{merchant.gateway.url}/control/pay", json=body)
    assert answer.status_code == 400
    assert merchant.query(number)[1]["trade_state"] == "NOTPAY"


def test_payment_sheet_opens_only_for_what_the_merchant_signed(merchant: Merchant) -> None:
    prepay_id = merchant.order()[1]["prepay_id"]
    keys = merchant.gateway.ask("keys")
    signed = {"timeStamp": "1", "nonceStr": "n", "package": f"prepay_id={prepay_id}"}
    message = "".join(f"{each}\n" for each in (keys["app_id"], *signed.values())).encode()
    key = serialization.load_pem_private_key(keys["merchant_private_key"].encode(), None)
    assert isinstance(key, RSAPrivateKey)
    pay_sign = base64.b64encode(key.sign(message, padding.PKCS1v15(), hashes.SHA256())).decode()
    good = {**signed, "signType": "RSA", "paySign": pay_sign}
    shown = merchant.gateway.control("prepaid", **good)
    assert (shown["prepay_id"], shown["amount_fen"]) == (prepay_id, 2000)
    for name, value in (
        ("nonceStr", "m"),
        ("signType", "MD5"),
        ("paySign", pay_sign[:-8] + "AAAAAAA="),
        ("paySign", 5),
        ("timeStamp", ""),
    ):
        answer = HTTP.post(f"{merchant.gateway.url}/control/prepaid", json={**good, name: value})
        assert answer.status_code == 400, name
