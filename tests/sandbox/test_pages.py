"""The gateway's page: every action by plain form, without JavaScript."""

from __future__ import annotations

import re
from typing import Any

import html5lib
import httpx
import pytest

from benchmarks.rig.stack import wait_until
from sandbox.faults import CALLS, GATEWAY_FAULTS, NOTICE_FAULTS
from sandbox.pages import wording
from tests.sandbox.running import Sandbox, Shop
from tests.sandbox.test_v3_judged_by_wechatpayv3 import Merchant, new_number

PATHS = ("/", "/deliveries", "/messages", "/faults", "/keys", "/phone")


class Desk:
    """A browser without JavaScript in front of the gateway."""

    def __init__(self, gateway: Sandbox) -> None:
        self.http = httpx.Client(base_url=gateway.url, follow_redirects=True, timeout=20)

    def see(self, path: str) -> str:
        answer = self.http.get(path)
        assert answer.status_code == 200, answer.text
        return answer.text

    def press(self, action: str, **fields: Any) -> httpx.Response:
        return self.http.post(f"/do/{action}", data=fields)


@pytest.fixture
def desk(gateway: Sandbox) -> Any:
    desk = Desk(gateway)
    yield desk
    desk.http.close()


@pytest.fixture
def merchant(gateway: Sandbox, shop: Shop) -> Merchant:
    return Merchant(gateway, shop)


def test_every_fault_and_call_has_chinese_words() -> None:
    assert wording.FAULTS.keys() == {*NOTICE_FAULTS, *GATEWAY_FAULTS}
    assert wording.CALLS.keys() == {*CALLS, "*"}


def test_an_empty_gateway_says_so_and_leads_to_the_phone(own_gateway: Sandbox) -> None:
    desk = Desk(own_gateway)
    assert "还没有订单" in desk.see("/")
    assert 'href="/phone"' in desk.see("/")
    assert "还没有发过通知" in desk.see("/deliveries")
    assert "还没有消息" in desk.see("/messages")
    desk.http.close()


@pytest.mark.parametrize("path", PATHS)
def test_page_is_sound(desk: Desk, merchant: Merchant, path: str) -> None:
    merchant.order()
    answer = desk.http.get(path)
    root = html5lib.parse(answer.text, namespaceHTMLElements=False)
    assert root.get("lang") == "zh-CN"
    assert root.findtext("head/title")
    ids = [element.get("id") for element in root.iter() if element.get("id")]
    assert len(ids) == len(set(ids))
    labelled = {label.get("for") for label in root.iter("label")}
    fields = [e for e in root.iter() if e.tag in {"input", "select"} and e.get("type") != "hidden"]
    assert {field.get("id") for field in fields} <= labelled
    assert not [e for e in root.iter() if e.get("style") or e.get("onclick")]
    assert not re.search(r'(src|href|action)="(https?:)?//', answer.text)
    assert "script-src 'self'" in answer.headers["Content-Security-Policy"]


def test_order_is_paid_with_a_fault_and_every_attempt_is_shown(
    desk: Desk, merchant: Merchant, shop: Shop
) -> None:
    number = new_number()
    merchant.order(number)
    assert number in desk.see("/")
    assert "未支付" in desk.see(f"/orders/{number}")
    assert "没有变化" in desk.press("cancel", out_trade_no=number, back="/").text
    paid = desk.press("pay", out_trade_no=number, fault="duplicate", back=f"/orders/{number}")
    assert "通知正在发送" in paid.text
    shop.next_notice()
    shop.next_notice()
    wait_until(lambda: len(merchant.gateway.deliveries(number)) == 2, what="two attempts")
    shown = desk.see(f"/orders/{number}")
    assert shown.count(f'data-label="故障">{wording.FAULTS["duplicate"]}') == 2
    assert shown.count(">204<") == 2
    again = desk.press("pay", out_trade_no=number, fault="", back="/")
    assert "再发一次" in again.text


def test_refund_gets_its_result_on_the_page(desk: Desk, merchant: Merchant, shop: Shop) -> None:
    number, refund_no = merchant.bought(), new_number()
    merchant.refund(number, refund_no=refund_no)
    assert "处理中" in desk.see(f"/orders/{number}")
    done = desk.press(
        "finish_refund", out_refund_no=refund_no, status="SUCCESS", back=f"/orders/{number}"
    )
    assert "退款成功" in done.text
    refused = desk.press("finish_refund", out_refund_no=refund_no, status="CLOSED", back="/")
    assert (refused.status_code, "不能再改" in refused.text) == (400, True)


def test_clock_moves_and_answers_can_be_spoilt_and_mended(desk: Desk, merchant: Merchant) -> None:
    before = merchant.gateway.ask("clock")["now"]
    assert "已推进" in desk.press("clock", advance_s="180", back="/").text
    assert merchant.gateway.ask("clock")["now"] > before
    armed = desk.press("arm", name="html_502", call="query", count="2", back="/faults")
    assert "还有 2 次" in armed.text
    assert "布置了 1 种" in desk.see("/")
    with pytest.raises(ValueError, match="Expecting value"):
        merchant.query(new_number())
    assert "没有布置" in desk.press("disarm", back="/faults").text
    assert merchant.query(new_number())[0] == 404


def test_keys_page_shows_no_secret(desk: Desk, gateway: Sandbox) -> None:
    shown = desk.see("/keys")
    keys = gateway.ask("keys")
    assert keys["merchant_serial"] in shown
    assert "PRIVATE KEY" not in shown
    for name in ("app_secret", "api_v3_key", "api_v2_key"):
        assert keys[name] not in shown


@pytest.mark.parametrize(
    ("action", "fields"),
    [
        ("pay", {"out_trade_no": "nobody-has-it"}),
        ("pay", {"out_trade_no": "nobody-has-it", "fault": "no-such-fault"}),
        ("clock", {"advance_s": "-1"}),
        ("clock", {"advance_s": "soon"}),
        ("clock", {"advance_s": "nan"}),
        ("arm", {"name": "html_502", "call": "query", "count": "many"}),
        ("arm", {"name": "no-such-fault"}),
        ("allow", {"user": ""}),
        ("finish_refund", {"out_refund_no": "nobody-has-it", "status": "MAYBE"}),
    ],
)
def test_bad_input_is_told_and_leads_back(desk: Desk, action: str, fields: dict[str, str]) -> None:
    answer = desk.press(action, **fields, back="//evil.example")
    assert answer.status_code in {400, 404}
    assert "没有成功" in answer.text
    assert re.search(r'class="button" href="/"', answer.text)
    assert "evil" not in answer.text
