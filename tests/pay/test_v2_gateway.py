"""Pay v2: every gap of the library underneath is closed here."""

from __future__ import annotations

import datetime as dt
import hashlib
import time
from collections.abc import Callable, Iterator

import pytest

from benchmarks.rig.wechat_side import APP_ID, MCH_ID, V2_KEY, WechatSide
from server.gateways.pay import (
    AnswerForeign,
    NoticeMalformed,
    PaymentEvidence,
    PrepayRequest,
    RefundEvidence,
    RefundRequest,
    RefundStatus,
    SignatureInvalid,
    TradeState,
)
from server.gateways.pay_v2 import PayV2Gateway, PayV2Identity
from server.gateways.pay_v2_signing import PayV2Signer
from server.gateways.pay_v2_xml import parse_flat_xml, write_flat_xml
from server.gateways.transport import GatewayRefused, GatewayUnavailable, Transport
from tests.pay.stub_gateway import Reply, Request, Stub, run_stub

NOW = dt.datetime(2026, 11, 24, 2, 0, 0, tzinfo=dt.UTC)
SIGN_TYPES = ("MD5", "HMAC-SHA256")

# Source: WeChat Pay v2 documents, "安全规范", the worked example of both sign types
PUBLISHED = {
    "appid": "wxd930ea5d5a258f4f",
    "mch_id": "10000100",
    "device_info": "1000",
    "body": "test",
    "nonce_str": "ibuaiVcKdpRxkhJA",
}
PUBLISHED_KEY = "192006250b4c09247ec02edce69f6a2d"
PUBLISHED_SIGNS = {
    "MD5": "9A0A8659F005D6984697E2CA0A9CF3B7",
    "HMAC-SHA256": "6A9AE1657590FD6257D693A078E1C3E4BB6BA4DC30B23E0EE2496E54170DACD6",
}


opened: list[PayV2Gateway] = []


@pytest.fixture(autouse=True)
def _close_gateways() -> Iterator[None]:
    yield
    while opened:
        opened.pop().close_connections()


@pytest.fixture
def side() -> WechatSide:
    return WechatSide()


@pytest.fixture
def stub() -> Iterator[Stub]:
    with run_stub() as running:
        yield running


def make_gateway(stub: Stub | None = None, sign_type: str = "HMAC-SHA256") -> PayV2Gateway:
    signer = PayV2Signer([V2_KEY], sign_type)
    identity = PayV2Identity(APP_ID, MCH_ID, "https://college.example/pay/notify/v2", signer)
    gateway = PayV2Gateway(identity, Transport(stub.url if stub else "http://127.0.0.1:9"))
    opened.append(gateway)
    return gateway


@pytest.mark.parametrize("sign_type", SIGN_TYPES)
def test_signature_equals_the_published_one(sign_type: str) -> None:
    assert PayV2Signer([PUBLISHED_KEY], sign_type).sign(PUBLISHED) == PUBLISHED_SIGNS[sign_type]


def test_empty_key_or_unknown_sign_type_cannot_sign() -> None:
    with pytest.raises(ValueError, match="empty"):
        PayV2Signer([""], "MD5")
    with pytest.raises(ValueError, match="unknown"):
        PayV2Signer([V2_KEY], "SHA1")


@pytest.mark.parametrize("sign_type", SIGN_TYPES)
def test_notice_of_the_configured_sign_type_is_read(side: WechatSide, sign_type: str) -> None:
    # an HMAC notice comes without sign_type when the order used it
    body = side.v2_message(side.v2_payment("CJ1", "openid-1"), sign_type)
    notice = make_gateway(sign_type=sign_type).read_notice({}, body, NOW)
    assert isinstance(notice.event, PaymentEvidence)
    assert notice.event.amount_fen == 2000
    assert notice.event.success_time == NOW
    assert notice.notice_id == "v2:" + hashlib.sha256(body).hexdigest()


@pytest.mark.parametrize(("configured", "used"), [SIGN_TYPES, SIGN_TYPES[::-1]])
def test_notice_cannot_choose_its_sign_type(side: WechatSide, configured: str, used: str) -> None:
    body = side.v2_message(side.v2_payment("CJ1", "o") | {"sign_type": used}, used)
    with pytest.raises(SignatureInvalid):
        make_gateway(sign_type=configured).read_notice({}, body, NOW)


@pytest.mark.parametrize(
    "change", [{"total_fee": "1"}, {"openid": "other"}, {"sign": ""}, {"extra": "1"}, {"sign": "é"}]
)
def test_changed_notice_is_refused(side: WechatSide, change: dict[str, str]) -> None:
    fields = side.v2_payment("CJ1", "o")
    signed = fields | {"sign": side.v2_sign(fields, "HMAC-SHA256")} | change
    with pytest.raises(SignatureInvalid):
        make_gateway().read_notice({}, write_flat_xml(signed), NOW)


def test_failed_payment_is_no_payment(side: WechatSide) -> None:
    body = side.v2_message(side.v2_payment("CJ1", "o", result_code="FAIL"))
    with pytest.raises(NoticeMalformed):
        make_gateway().read_notice({}, body, NOW)


def deep(levels: int) -> bytes:
    return b"<xml>" + b"<a>" * levels + b"</a>" * levels + b"</xml>"


def bomb() -> bytes:
    rows = "".join(f'<!ENTITY l{n} "{f"&l{n - 1};" * 10}">' for n in range(1, 10))
    return f'<!DOCTYPE x [<!ENTITY l0 "ha">{rows}]><xml><a>&l9;</a></xml>'.encode()


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"<xml/>",
        b"<xml>",
        b"<html></html>",
        b"\x00\x01",
        b"<xml><a>1</a><a>2</a></xml>",
        b'<!DOCTYPE x SYSTEM "http://127.0.0.1:9/x"><xml><a>1</a></xml>',
        b'<!DOCTYPE x [<!ENTITY e SYSTEM "file:///etc/passwd">]><xml><a>&e;</a></xml>',
        bomb(),
        deep(2),
        deep(5000),
        b"<xml>" + b"<a>" * 20000,
        b"<xml>" + b"".join(b"<a%d/>" % n for n in range(1000)) + b"</xml>",
        b"<xml><a>" + b"x" * 5_000_000 + b"</a></xml>",
        b'<?xml version="1.0" encoding="made-up"?><xml><a>1</a></xml>',
    ],
    ids=lambda body: str(body[:30]),
)
def test_hostile_xml_is_refused_at_once(body: bytes) -> None:
    started = time.thread_time()
    with pytest.raises((NoticeMalformed, SignatureInvalid)):
        make_gateway().read_notice({}, body, NOW)
    assert time.thread_time() - started < 1


def test_our_xml_survives_its_own_parser() -> None:
    fields = {"body": "a<b>&]]>\"'毕业", "n": "1"}
    assert parse_flat_xml(write_flat_xml(fields)) == fields


def test_jsapi_parameters_carry_the_orders_sign_type(side: WechatSide) -> None:
    for sign_type in SIGN_TYPES:
        got = make_gateway(sign_type=sign_type).payment_parameters("wx1", NOW)
        signed = {name: value for name, value in got.items() if name != "paySign"}
        expected = side.v2_sign(signed | {"appId": APP_ID}, sign_type)
        assert got["signType"] == sign_type
        assert got["paySign"] == expected
        assert "appId" not in got


REQUEST = PrepayRequest("CJ1", "毕业生图像采集费", 2000, "openid-1", NOW)


def answer_with(side: WechatSide, **fields: str) -> Callable[[Request], Reply]:
    content = {
        "return_code": "SUCCESS",
        "result_code": "SUCCESS",
        "appid": APP_ID,
        "mch_id": MCH_ID,
        "nonce_str": "n",
    } | fields
    return lambda _request: Reply(200, side.v2_message(content))


def test_prepay_sends_a_signed_order_and_repeats_it_equally(side: WechatSide, stub: Stub) -> None:
    stub.answer = answer_with(side, prepay_id="wx2611", trade_type="JSAPI")
    gateway = make_gateway(stub)
    assert gateway.prepay(REQUEST) == gateway.prepay(REQUEST) == "wx2611"
    first, second = (parse_flat_xml(each.body) for each in stub.requests)
    for sent in (first, second):
        unsigned = {name: value for name, value in sent.items() if name != "sign"}
        assert sent["sign"] == side.v2_sign(unsigned, "HMAC-SHA256")
    volatile = {"nonce_str", "sign"}
    assert {k: v for k, v in first.items() if k not in volatile} == {
        k: v for k, v in second.items() if k not in volatile
    }
    assert first["time_expire"] == "20261124100000"


@pytest.mark.parametrize(
    ("reply", "error"),
    [
        (Reply(502, b"<html>"), GatewayUnavailable),
        (Reply(200, b"<html></html>"), GatewayUnavailable),
        (Reply(200, b"<xml><return_code>FAIL</return_code></xml>"), GatewayUnavailable),
        (
            Reply(200, b"<xml><return_code>SUCCESS</return_code><prepay_id>x</prepay_id></xml>"),
            SignatureInvalid,
        ),
        (Reply(200, b"x" * 100_000), GatewayUnavailable),
    ],
)
def test_unsigned_or_broken_answer_gives_no_prepay_id(
    stub: Stub, reply: Reply, error: type[Exception]
) -> None:
    stub.answer = lambda _request: reply
    with pytest.raises(error):
        make_gateway(stub).prepay(REQUEST)


def test_answer_for_another_merchant_is_foreign(side: WechatSide, stub: Stub) -> None:
    stub.answer = answer_with(side, mch_id="1900000000", prepay_id="wx")
    with pytest.raises(AnswerForeign):
        make_gateway(stub).prepay(REQUEST)


def test_query_for_another_order_is_foreign(side: WechatSide, stub: Stub) -> None:
    stub.answer = answer_with(side, **side.v2_payment("CJ2", "o", trade_state="SUCCESS"))
    with pytest.raises(AnswerForeign):
        make_gateway(stub).query("CJ1")


def test_query_types_what_wechat_says(side: WechatSide, stub: Stub) -> None:
    gateway = make_gateway(stub)
    stub.answer = answer_with(side, **side.v2_payment("CJ1", "o", trade_state="SUCCESS"))
    report = gateway.query("CJ1")
    assert report.payment is not None
    assert report.payment.payer_openid == "o"
    stub.answer = answer_with(side, out_trade_no="CJ1", trade_state="NOTPAY")
    assert gateway.query("CJ1").state is TradeState.NOTPAY
    stub.answer = answer_with(side, result_code="FAIL", err_code="ORDERNOTEXIST")
    assert gateway.query("CJ1").state is TradeState.NOT_FOUND


def test_close_of_a_paid_order_is_refused_and_of_a_closed_one_fine(
    side: WechatSide, stub: Stub
) -> None:
    gateway = make_gateway(stub)
    stub.answer = answer_with(side, result_code="FAIL", err_code="ORDERCLOSED")
    gateway.close("CJ1")
    stub.answer = answer_with(side, result_code="FAIL", err_code="ORDERPAID")
    with pytest.raises(GatewayRefused, match="ORDERPAID"):
        gateway.close("CJ1")


def test_refund_and_its_query(side: WechatSide, stub: Stub) -> None:
    gateway = make_gateway(stub)
    stub.answer = answer_with(side, out_refund_no="R1", refund_id="50", refund_fee="2000")
    request = RefundRequest("R1", "CJ1", "4200", 2000, 2000, "重复付款")
    assert gateway.refund(request).status is RefundStatus.PROCESSING
    stub.answer = answer_with(
        side,
        out_refund_no_0="R1",
        refund_id_0="50",
        refund_fee_0="2000",
        refund_status_0="SUCCESS",
        refund_success_time_0="2026-11-24 10:00:00",
    )
    evidence = gateway.query_refund("R1")
    assert (evidence.status, evidence.success_time) == (RefundStatus.SUCCESS, NOW)
    stub.answer = answer_with(side, result_code="FAIL", err_code="REFUNDNOTEXIST")
    assert gateway.query_refund("R1").status is RefundStatus.NOT_FOUND


def test_refund_notice_is_decrypted(side: WechatSide) -> None:
    fields = {
        "out_refund_no": "R1",
        "refund_id": "50",
        "out_trade_no": "CJ1",
        "transaction_id": "4200",
        "refund_fee": "2000",
        "refund_status": "SUCCESS",
        "success_time": "2026-11-24 10:00:00",
    }
    notice = make_gateway().read_notice({}, side.v2_refund_notice(fields), NOW)
    assert isinstance(notice.event, RefundEvidence)
    assert (notice.event.refund_fen, notice.event.status) == (2000, RefundStatus.SUCCESS)
    with pytest.raises((SignatureInvalid, NoticeMalformed)):
        make_gateway().read_notice({}, side.v2_refund_notice(fields, "wrong" * 6), NOW)


def test_day_without_trade_has_an_empty_bill(stub: Stub) -> None:
    stub.answer = lambda _request: Reply(
        200,
        b"<xml><return_code>FAIL</return_code><return_msg>No Bill Exist</return_msg>"
        b"<error_code>20002</error_code></xml>",
    )
    assert list(make_gateway(stub).download_bill(NOW.date())) == []
