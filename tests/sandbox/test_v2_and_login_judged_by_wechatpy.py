"""PyPI ``wechatpy`` buys and refunds with v2, signs in, and sends messages."""

from __future__ import annotations

import datetime as dt
from typing import Any

import httpx
import pytest
from wechatpy import WeChatClient
from wechatpy.exceptions import (
    InvalidSignatureException,
    WeChatClientException,
    WeChatPayException,
)
from wechatpy.pay import WeChatPay

from tests.sandbox.running import BUSY, KEPT, Sandbox, Shop
from tests.sandbox.test_v3_judged_by_wechatpayv3 import new_number, wait_for_attempts

FAIL_XML = (200, b"<xml><return_code>FAIL</return_code></xml>")


class Merchant:
    """The stranger's v2 client, pointed at the sandbox."""

    def __init__(self, gateway: Sandbox, shop: Shop, **changes: Any) -> None:
        self.gateway = gateway
        self.shop = shop
        keys = gateway.ask("keys")
        options = {"appid": keys["app_id"], "api_key": keys["api_v2_key"], "mch_id": keys["mch_id"]}
        self.client = WeChatPay(**{**options, "timeout": 10, **changes})
        self.client.API_BASE_URL = f"{gateway.url}/"
        self.openid = gateway.make_openid("wechatpy")

    def order(self, number: str, fen: Any = 2000, **changes: Any) -> Any:
        return self.client.order.create(
            trade_type="JSAPI",
            body="学历照片采集费",
            total_fee=fen,
            notify_url=self.shop.url,
            client_ip="127.0.0.1",
            user_id=self.openid,
            out_trade_no=number,
            time_expire=dt.datetime(2099, 1, 1, tzinfo=dt.UTC),
            **changes,
        )

    def bought(self, *faults: str) -> str:
        number = new_number()
        prepay_id = self.order(number)["prepay_id"]
        self.gateway.control("pay", prepay_id=prepay_id, faults=list(faults))
        return number

    def refund(self, number: str, fen: int = 2000, refund_no: str = "") -> Any:
        return self.client.refund.apply(
            total_fee=2000,
            refund_fee=fen,
            out_refund_no=refund_no or new_number(),
            out_trade_no=number,
        )


@pytest.fixture
def merchant(gateway: Sandbox, v2_shop: Shop) -> Merchant:
    return Merchant(gateway, v2_shop)


def refuses(call: Any, *arguments: Any, **options: Any) -> str:
    with pytest.raises(WeChatPayException) as caught:
        call(*arguments, **options)
    return str(caught.value.errcode)


def test_order_is_paid_refunded_and_billed(merchant: Merchant, v2_shop: Shop) -> None:
    number, refund_no = merchant.bought(), new_number()
    _, body = v2_shop.next_notice()
    notice = merchant.client.parse_payment_result(body)
    assert (notice["out_trade_no"], notice["total_fee"]) == (number, 2000)
    paid = merchant.client.order.query(out_trade_no=number)
    assert paid["trade_state"] == "SUCCESS"
    assert merchant.client.order.query(paid["transaction_id"])["out_trade_no"] == number
    merchant.refund(number, refund_no=refund_no)
    merchant.gateway.control("finish-refund", out_refund_no=refund_no)
    _, body = v2_shop.next_notice()
    refund = merchant.client.parse_refund_notify_result(body)
    assert (refund["out_refund_no"], refund["refund_status"]) == (refund_no, "SUCCESS")
    found = merchant.client.refund.query(out_refund_no=refund_no)
    assert (found["refund_count"], found["refund_status_0"]) == ("1", "SUCCESS")
    merchant.gateway.control("clock", advance_s=86400)
    bill = merchant.client.tools.download_bill(paid["time_end"][:8])
    assert bill.count(f"`{number}") == 2
    assert merchant.client.tools.download_bill(paid["time_end"][:8], "REFUND").count(number) == 1


def test_refusals_are_those_of_v2(merchant: Merchant, v2_shop: Shop) -> None:
    paid = merchant.bought()
    v2_shop.next_notice()
    number = new_number()
    prepay_id = merchant.order(number)["prepay_id"]
    assert merchant.order(number)["prepay_id"] == prepay_id
    assert refuses(merchant.order, number, 2001) == "OUT_TRADE_NO_USED"
    assert refuses(merchant.order, paid) == "ORDERPAID"
    assert refuses(merchant.order, new_number(), 0) == "PARAM_ERROR"
    assert refuses(merchant.order, "short") == "PARAM_ERROR"
    assert refuses(merchant.client.order.query, out_trade_no=new_number()) == "ORDERNOTEXIST"
    assert refuses(merchant.client.order.close, paid) == "ORDERPAID"
    merchant.client.order.close(number)
    assert refuses(merchant.client.order.close, number) == "ORDERCLOSED"
    assert refuses(merchant.refund, number) == "INVALID_REQUEST"
    assert refuses(merchant.refund, paid, 2001) == "ERROR"
    assert refuses(merchant.client.refund.query, out_refund_no=new_number()) == "REFUNDNOTEXIST"
    answer = httpx.post(f"{merchant.gateway.url}/control/pay", json={"prepay_id": prepay_id})
    assert answer.status_code == 400


def test_request_that_is_not_signed_by_the_merchant_is_refused(
    gateway: Sandbox, v2_shop: Shop
) -> None:
    assert refuses(Merchant(gateway, v2_shop, api_key="x" * 32).order, new_number()) == "SIGNERROR"
    foreign = Merchant(gateway, v2_shop, mch_id="1900000001")
    assert refuses(foreign.order, new_number()) == "MCHID_NOT_EXIST"
    other_app = Merchant(gateway, v2_shop, appid="wx0000000000000000")
    assert refuses(other_app.order, new_number()) == "APPID_MCHID_NOT_MATCH"


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"<xml/>",
        b"not xml",
        b"<xml>" + b"<a>" * 5000,
        b'<!DOCTYPE xml [<!ENTITY e SYSTEM "file:///etc/passwd">]><xml><mch_id>&e;</mch_id></xml>',
        b"<xml>" + b"x" * (1 << 20) + b"</xml>",
    ],
)
def test_hostile_xml_is_refused(gateway: Sandbox, body: bytes) -> None:
    answer = httpx.post(f"{gateway.url}/pay/unifiedorder", content=body, timeout=10)
    assert answer.status_code == 200
    assert "<return_code><![CDATA[FAIL]]>" in answer.text
    assert "root:" not in answer.text


@pytest.mark.parametrize("fault", ["wrong_key", "missing_headers", "truncated"])
def test_stranger_refuses_a_spoilt_notice_and_believes_the_next(
    merchant: Merchant, v2_shop: Shop, fault: str
) -> None:
    v2_shop.answers.put(BUSY)
    number = merchant.bought(fault)
    _, body = v2_shop.next_notice()
    with pytest.raises(InvalidSignatureException):
        merchant.client.parse_payment_result(body)
    wait_for_attempts(merchant.gateway, number, 1)
    merchant.gateway.control("clock", advance_s=15)
    _, body = v2_shop.next_notice()
    assert merchant.client.parse_payment_result(body)["out_trade_no"] == number


def test_only_the_success_xml_ends_the_deliveries(merchant: Merchant, v2_shop: Shop) -> None:
    for answer in ((200, b"OK"), FAIL_XML, (500, KEPT["v2"][1])):
        v2_shop.answers.put(answer)
    number = merchant.bought()
    for attempt, wait_s in enumerate((15, 15, 30), start=1):
        wait_for_attempts(merchant.gateway, number, attempt)
        merchant.gateway.control("clock", advance_s=wait_s)
    wait_for_attempts(merchant.gateway, number, 4)
    merchant.gateway.control("clock", advance_s=86400)
    other = merchant.bought()
    wait_for_attempts(merchant.gateway, other, 1)
    assert len(merchant.gateway.deliveries(number)) == 4


class MiniProgram(WeChatClient):  # type: ignore[misc]
    """The stranger's client of a mini-program; its token address is a constant."""

    def __init__(self, gateway: Sandbox) -> None:
        keys = gateway.ask("keys")
        super().__init__(keys["app_id"], keys["app_secret"], timeout=10, auto_retry=False)
        self.gateway_url = gateway.url
        self.API_BASE_URL = f"{gateway.url}/cgi-bin/"
        self.wxa.API_BASE_URL = f"{gateway.url}/"

    def fetch_access_token(self) -> Any:
        params = {
            "grant_type": "client_credential",
            "appid": self.appid,
            "secret": self.secret,
        }
        return self._fetch_access_token(f"{self.gateway_url}/cgi-bin/token", params)


@pytest.fixture
def app(gateway: Sandbox) -> MiniProgram:
    return MiniProgram(gateway)


def errcode(call: Any, *arguments: Any, **options: Any) -> int:
    with pytest.raises(WeChatClientException) as caught:
        call(*arguments, **options)
    return int(caught.value.errcode)


def test_login_code_is_good_once_and_for_five_minutes(app: MiniProgram, gateway: Sandbox) -> None:
    code = gateway.control("login-code", user="alice")["code"]
    session = app.wxa.code_to_session(code)
    assert len(session["session_key"]) == 24
    assert errcode(app.wxa.code_to_session, code) == 40029
    assert errcode(app.wxa.code_to_session, "never-given") == 40029
    again = gateway.control("login-code", user="alice")["code"]
    assert app.wxa.code_to_session(again)["openid"] == session["openid"]
    other = gateway.control("login-code", user="bob")["code"]
    assert app.wxa.code_to_session(other)["openid"] != session["openid"]
    late = gateway.control("login-code", user="alice")["code"]
    gateway.control("clock", advance_s=301)
    assert errcode(app.wxa.code_to_session, late) == 40029


@pytest.mark.parametrize("code", [40029, 45011, 40226, -1])
def test_login_errors_on_request(app: MiniProgram, gateway: Sandbox, code: int) -> None:
    made = gateway.control("login-code", user="alice", errcode=code)["code"]
    assert errcode(app.wxa.code_to_session, made) == code


def test_message_needs_the_users_word_and_good_fields(app: MiniProgram, gateway: Sandbox) -> None:
    openid = gateway.make_openid("carol")
    good = {"thing1": {"value": "已采集(锁定)"}, "time2": {"value": "2026-05-10 23:59"}}
    send = app.wxa.send_subscribe_message
    assert errcode(send, openid, "T1", good) == 43101
    gateway.control("allow-messages", user="carol", template_id="T1", count=1)
    for bad in ({"thing1": {"value": "长" * 21}}, {"phrase1": {"value": "six字"}}, {"thing1": {}}):
        assert errcode(send, openid, "T1", bad) == 47003
    assert errcode(send, openid, "T1", {}) == 47003
    assert errcode(send, "o-nobody", "T1", good) == 40003
    send(openid, "T1", good)
    assert errcode(send, openid, "T1", good) == 43101
    messages = gateway.ask("messages", user="carol")["items"]
    assert [message["data"] for message in messages] == [good]
    assert gateway.ask("messages", user="nobody")["items"] == []


def stable_token(app: MiniProgram, **changes: Any) -> Any:
    body = {"grant_type": "client_credential", "appid": app.appid, "secret": app.secret}
    url = f"{app.gateway_url}/cgi-bin/stable_token"
    return httpx.post(url, json={**body, **changes}, timeout=10).json()


def test_stable_token_stays_the_same_until_it_ends_or_is_forced(
    app: MiniProgram, gateway: Sandbox
) -> None:
    def accepts(token: str) -> int:
        url = f"{gateway.url}/wxa/getwxacodeunlimit?access_token={token}"
        answer = httpx.post(url, json={"scene": "y0814v"}, timeout=10)
        return 0 if answer.content[:4] == b"\x89PNG" else int(answer.json()["errcode"])

    first = stable_token(app)["access_token"]
    assert stable_token(app)["access_token"] == first
    old_style = app.fetch_access_token()["access_token"]
    assert (accepts(first), accepts(old_style)) == (0, 0)
    forced = stable_token(app, force_refresh=True)["access_token"]
    assert (accepts(first), accepts(forced)) == (42001, 0)
    newer = app.fetch_access_token()["access_token"]
    assert (accepts(old_style), accepts(newer)) == (0, 0)
    gateway.control("clock", advance_s=300)
    assert accepts(old_style) == 42001
    gateway.control("clock", advance_s=7000)
    assert accepts(forced) == 42001
    assert stable_token(app)["access_token"] != forced
    assert accepts("made-up") == 40001
    assert stable_token(app, secret="wrong")["errcode"] == 40125
    assert stable_token(app, appid="wx0")["errcode"] == 40013


def test_code_picture_and_phone_number(app: MiniProgram, gateway: Sandbox) -> None:
    answer = app.wxa.get_wxa_code_unlimited("y0814v")
    assert answer.content[:4] == b"\x89PNG"
    assert errcode(app.wxa.get_wxa_code_unlimited, "x" * 33) == 40169
    token = stable_token(app)["access_token"]
    url = f"{gateway.url}/wxa/business/getuserphonenumber?access_token={token}"
    code = gateway.control("login-code", user="dora")["code"]
    info = httpx.post(url, json={"code": code}, timeout=10).json()["phone_info"]
    assert info["watermark"]["appid"] == app.appid
    assert httpx.post(url, json={"code": code}, timeout=10).json()["errcode"] == 40029
