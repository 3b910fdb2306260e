"""Pay v3 against a web server whose answers are signed, unsigned, foreign, slow or absurd."""

from __future__ import annotations

import datetime as dt
import hashlib
import json
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from benchmarks.rig.wechat_side import (
    APP_ID,
    MCH_ID,
    MERCHANT_SERIAL,
    PUBLIC_KEY_ID,
    V3_KEY,
    WechatSide,
    make_key,
)
from server.gateways.clock import SettableClock
from server.gateways.pay import (
    AnswerForeign,
    PrepayRequest,
    RefundRequest,
    RefundStatus,
    SignatureInvalid,
    TradeState,
)
from server.gateways.pay_v3 import PayV3Gateway, PayV3Identity
from server.gateways.pay_v3_signing import RequestSigner, SignatureVerifier
from server.gateways.transport import (
    GatewayRefused,
    GatewayTimeout,
    GatewayUnavailable,
    Transport,
    time_budget,
)
from tests.pay.stub_gateway import Reply, Request, Stub, run_stub

NOW = dt.datetime(2026, 11, 24, 2, 0, 0, tzinfo=dt.UTC)
REQUEST = PrepayRequest("CJ1", "毕业生图像采集费", 2000, "openid-1", NOW + dt.timedelta(hours=1))


@pytest.fixture
def side() -> WechatSide:
    return WechatSide()


@pytest.fixture
def stub() -> Iterator[Stub]:
    with run_stub() as running:
        yield running


@pytest.fixture
def gateway(side: WechatSide, stub: Stub) -> Iterator[PayV3Gateway]:
    identity = PayV3Identity(
        app_id=APP_ID,
        mch_id=MCH_ID,
        notify_url="https://college.example/pay/notify/v3",
        signer=RequestSigner(MCH_ID, MERCHANT_SERIAL, side.merchant_key),
        verifier=SignatureVerifier({PUBLIC_KEY_ID: side.platform_key.public_key()}),
        api_keys=[V3_KEY.encode()],
    )
    made = PayV3Gateway(identity, Transport(stub.url, total_timeout_s=1.5), SettableClock(NOW))
    yield made
    made.close_connections()


def signed(side: WechatSide, content: Any, status: int = 200) -> Callable[[Request], Reply]:
    body = b"" if content is None else json.dumps(content).encode()
    return lambda _request: Reply(status, body, side.sign_headers(body, NOW))


def test_prepay_signs_exactly_the_bytes_it_sends(
    side: WechatSide, stub: Stub, gateway: PayV3Gateway
) -> None:
    stub.answer = signed(side, {"prepay_id": "wx2611"})
    assert gateway.prepay(REQUEST) == "wx2611"
    sent = stub.requests[0]
    assert (sent.method, sent.path) == ("POST", "/v3/pay/transactions/jsapi")
    content = json.loads(sent.body)
    assert content["time_expire"] == "2026-11-24T11:00:00+08:00"
    assert content["amount"] == {"total": 2000, "currency": "CNY"}
    assert content["payer"] == {"openid": "openid-1"}
    assert sent.headers["wechatpay-serial"] == PUBLIC_KEY_ID
    parts = dict(
        part.split("=", 1) for part in sent.headers["authorization"].split(" ", 1)[1].split(",")
    )
    values = {name: value.strip('"') for name, value in parts.items()}
    head = f"POST\n{sent.path}\n{values['timestamp']}\n{values['nonce_str']}\n".encode()
    check_signature(side, values["signature"], head + sent.body + b"\n")


def check_signature(side: WechatSide, signature: str, message: bytes) -> None:
    """Raise unless the merchant signed `message`."""
    import base64

    from cryptography.hazmat.primitives import hashes
    from cryptography.hazmat.primitives.asymmetric import padding

    side.merchant_key.public_key().verify(
        base64.b64decode(signature), message, padding.PKCS1v15(), hashes.SHA256()
    )


def test_retry_of_the_same_order_sends_the_same_bytes(
    side: WechatSide, stub: Stub, gateway: PayV3Gateway
) -> None:
    stub.answer = signed(side, {"prepay_id": "wx2611"})
    gateway.prepay(REQUEST)
    gateway.prepay(REQUEST)
    assert stub.requests[0].body == stub.requests[1].body


@pytest.mark.parametrize("status", [200, 404, 401])
def test_unsigned_answer_is_not_believed(stub: Stub, gateway: PayV3Gateway, status: int) -> None:
    body = b'{"prepay_id":"wx","code":"ORDER_NOT_EXIST"}'
    stub.answer = lambda _request: Reply(status, body)
    with pytest.raises(SignatureInvalid):
        gateway.prepay(REQUEST)
    with pytest.raises(SignatureInvalid):
        gateway.query("CJ1")


def test_answer_signed_by_a_foreign_key_is_not_believed(
    side: WechatSide, stub: Stub, gateway: PayV3Gateway
) -> None:
    body = json.dumps(side.v3_payment("CJ1", "o")).encode()
    headers = side.sign_headers(body, NOW, key=make_key("thief"))
    stub.answer = lambda _request: Reply(200, body, headers)
    with pytest.raises(SignatureInvalid):
        gateway.query("CJ1")


def test_old_answer_played_again_is_not_believed(
    side: WechatSide, stub: Stub, gateway: PayV3Gateway
) -> None:
    body = json.dumps(side.v3_payment("CJ1", "o")).encode()
    headers = side.sign_headers(body, NOW - dt.timedelta(minutes=5))
    stub.answer = lambda _request: Reply(200, body, headers)
    with pytest.raises(SignatureInvalid):
        gateway.query("CJ1")


@pytest.mark.parametrize("change", [{"out_trade_no": "CJ2"}, {"mchid": "1"}, {"appid": "wx2"}])
def test_signed_answer_about_something_else_is_foreign(
    side: WechatSide, stub: Stub, gateway: PayV3Gateway, change: dict[str, str]
) -> None:
    stub.answer = signed(side, side.v3_payment("CJ1", "o") | change)
    with pytest.raises(AnswerForeign):
        gateway.query("CJ1")


def test_query_types_what_wechat_says(side: WechatSide, stub: Stub, gateway: PayV3Gateway) -> None:
    stub.answer = signed(side, side.v3_payment("CJ1", "o"))
    report = gateway.query("CJ1")
    assert stub.requests[0].path == f"/v3/pay/transactions/out-trade-no/CJ1?mchid={MCH_ID}"
    assert report.payment is not None
    assert (report.payment.amount_fen, report.payment.currency) == (2000, "CNY")
    stub.answer = signed(side, {"out_trade_no": "CJ1", "trade_state": "NOTPAY"})
    assert gateway.query("CJ1").state is TradeState.NOTPAY
    stub.answer = signed(side, {"code": "ORDER_NOT_EXIST", "message": "x"}, 404)
    assert gateway.query("CJ1").state is TradeState.NOT_FOUND


def test_close_knows_which_refusals_matter(
    side: WechatSide, stub: Stub, gateway: PayV3Gateway
) -> None:
    stub.answer = signed(side, None, 204)
    gateway.close("CJ1")
    stub.answer = signed(side, {"code": "ORDER_CLOSED"}, 400)
    gateway.close("CJ1")
    stub.answer = signed(side, {"code": "ORDERPAID", "message": "paid"}, 400)
    with pytest.raises(GatewayRefused) as refusal:
        gateway.close("CJ1")
    assert refusal.value.code == "ORDERPAID"


@pytest.mark.parametrize("status", [429, 500, 502, 503])
def test_temporary_failure_is_no_refusal(
    side: WechatSide, stub: Stub, gateway: PayV3Gateway, status: int
) -> None:
    stub.answer = signed(side, {"code": "SYSTEM_ERROR"}, status)
    with pytest.raises(GatewayUnavailable):
        gateway.query("CJ1")
    stub.answer = lambda _request: Reply(status, b"<html>Bad gateway</html>")
    with pytest.raises(GatewayUnavailable):
        gateway.query("CJ1")


def test_refund_and_its_query(side: WechatSide, stub: Stub, gateway: PayV3Gateway) -> None:
    content = {
        "refund_id": "50",
        "out_refund_no": "R1",
        "transaction_id": "4200",
        "out_trade_no": "CJ1",
        "status": "PROCESSING",
        "amount": {"refund": 2000, "total": 2000},
    }
    stub.answer = signed(side, content)
    request = RefundRequest("R1", "CJ1", "4200", 2000, 2000, "重复付款")
    assert gateway.refund(request).status is RefundStatus.PROCESSING
    stub.answer = signed(side, content | {"status": "SUCCESS"})
    assert gateway.query_refund("R1").status is RefundStatus.SUCCESS
    stub.answer = signed(side, content | {"out_refund_no": "R2"})
    with pytest.raises(AnswerForeign):
        gateway.query_refund("R1")
    stub.answer = signed(side, {"code": "RESOURCE_NOT_EXISTS"}, 404)
    assert gateway.query_refund("R1").status is RefundStatus.NOT_FOUND


def test_hanging_gateway_is_left_in_time(stub: Stub, gateway: PayV3Gateway) -> None:
    stub.answer = lambda _request: Reply(200, b"{}", hang_s=60)
    started = time.monotonic()
    with pytest.raises(GatewayTimeout):
        gateway.query("CJ1")
    assert time.monotonic() - started < 30


def test_gateway_that_drips_is_left_in_time(stub: Stub, gateway: PayV3Gateway) -> None:
    stub.answer = lambda _request: Reply(200, b"x" * 1000, drip_s=0.1)
    started = time.monotonic()
    with pytest.raises(GatewayTimeout):
        gateway.query("CJ1")
    assert time.monotonic() - started < 30


def test_all_calls_of_one_request_share_its_time(stub: Stub, gateway: PayV3Gateway) -> None:
    stub.answer = lambda _request: Reply(200, b"{}", hang_s=0.4)
    started = time.monotonic()
    with time_budget(1.0):
        for _ in range(25):
            with pytest.raises((GatewayTimeout, SignatureInvalid)):
                gateway.query("CJ1")
    assert time.monotonic() - started < 5, "and not 25 times 0.4 s"


def test_huge_answer_is_left(stub: Stub, gateway: PayV3Gateway) -> None:
    stub.answer = lambda _request: Reply(200, b"x" * 3_000_000)
    with pytest.raises(GatewayUnavailable, match="large"):
        gateway.query("CJ1")


def test_refused_connection_is_unavailable(side: WechatSide) -> None:
    transport = Transport("http://127.0.0.1:9")
    with pytest.raises(GatewayUnavailable):
        transport.send("GET", "/secret=x")


def test_error_texts_and_logs_hold_no_address(stub: Stub, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("DEBUG")
    transport = Transport(stub.url, total_timeout_s=0.5)
    stub.answer = lambda _request: Reply(200, b"{}", hang_s=1)
    with pytest.raises(GatewayTimeout) as error:
        transport.send("GET", "/sns/jscode2session?secret=TOPSECRET&js_code=CODE")
    stub.answer = lambda _request: Reply(200, b"{}")
    transport.send("GET", "/sns/jscode2session?secret=TOPSECRET&js_code=CODE")
    assert "TOPSECRET" not in repr(error.value) + caplog.text
    transport.close()


BILL = (
    "\ufeff交易时间,公众账号ID,商户号,特约商户号,设备号,微信订单号,商户订单号,用户标识,交易类型,交易状态,付款银行,"
    "货币种类,应结订单金额,代金券金额,微信退款单号,商户退款单号,退款金额,充值券退款金额,退款类型,退款状态,商品名称,"
    "商户数据包,手续费,费率,订单金额,申请退款金额,费率备注\r\n"
    "`2026-11-23 05:01:46,`wx1,`190,`0,`,`4200A,`CJ1,`openid,`JSAPI,`SUCCESS,`OTHERS,`CNY,`19.90,"
    "`0.00,`0,`0,`0.00,`0.00,`,`,`采集费,`,`0.12000,`0.60%,`20.00,`0.00,`\r\n"
    "`2026-11-23 06:01:46,`wx1,`190,`0,`,`4200A,`CJ1,`openid,`JSAPI,`REFUND,`OTHERS,`CNY,`0.00,"
    "`0.00,`50,`RCJ1,`20.00,`0.00,`ORIGINAL,`SUCCESS,`采集费,`,`0.00000,`0.60%,`0.00,`20.00,`\r\n"
    "总交易单数,应结订单总金额,退款总金额,充值券退款总金额,手续费总金额,订单总金额,申请退款总金额\r\n"
    "`2.0,`19.90,`20.00,`0.0,`0.12,`20.00,`20.00\r\n"
)


def serve_bill(side: WechatSide, stub: Stub, text: str, digest_of: str | None = None) -> None:
    data = text.encode()
    digest = hashlib.sha1((digest_of or text).encode(), usedforsecurity=False).hexdigest()

    def answer(request: Request) -> Reply:
        if request.path.startswith("/v3/billdownload/"):
            return Reply(200, data)
        url = f"{stub.url}/v3/billdownload/file?token=t"
        content = {"hash_type": "SHA1", "hash_value": digest, "download_url": url}
        return signed(side, content)(request)

    stub.answer = answer


def test_bill_is_read_line_by_line(side: WechatSide, stub: Stub, gateway: PayV3Gateway) -> None:
    serve_bill(side, stub, BILL)
    payment, refund = gateway.download_bill(dt.date(2026, 11, 23))
    assert (payment.out_trade_no, payment.amount_fen, payment.is_refund) == ("CJ1", 2000, False)
    assert payment.trade_time == dt.datetime(2026, 11, 22, 21, 1, 46, tzinfo=dt.UTC)
    assert (refund.out_refund_no, refund.refund_fen, refund.is_refund) == ("RCJ1", 2000, True)
    assert "bill_date=2026-11-23" in stub.requests[0].path
    assert "authorization" in stub.requests[1].headers


def test_bill_with_another_hash_is_refused(
    side: WechatSide, stub: Stub, gateway: PayV3Gateway
) -> None:
    serve_bill(side, stub, BILL, digest_of="something else")
    with pytest.raises(SignatureInvalid):
        list(gateway.download_bill(dt.date(2026, 11, 23)))


@pytest.mark.parametrize(
    "text",
    [
        "",
        "<html></html>",
        BILL.split("总交易单数", maxsplit=1)[0],
        BILL.replace("`20.00,`0.00,`\r", "`\r"),
    ],
)
def test_cut_or_strange_bill_is_refused(
    side: WechatSide, stub: Stub, gateway: PayV3Gateway, text: str
) -> None:
    serve_bill(side, stub, text)
    with pytest.raises(GatewayUnavailable):
        list(gateway.download_bill(dt.date(2026, 11, 23)))


def test_bill_at_a_foreign_address_is_not_fetched(
    side: WechatSide, stub: Stub, gateway: PayV3Gateway
) -> None:
    url = "http://127.0.0.1:9/v3/billdownload/file"
    stub.answer = signed(side, {"hash_type": "SHA1", "hash_value": "0", "download_url": url})
    with pytest.raises(GatewayUnavailable, match="foreign"):
        list(gateway.download_bill(dt.date(2026, 11, 23)))


def test_day_without_trade_has_an_empty_bill(
    side: WechatSide, stub: Stub, gateway: PayV3Gateway
) -> None:
    stub.answer = signed(side, {"code": "NO_STATEMENT_EXIST"}, 400)
    assert list(gateway.download_bill(dt.date(2026, 11, 23))) == []
    stub.answer = signed(side, {"code": "STATEMENT_CREATING"}, 400)
    with pytest.raises(GatewayRefused):
        list(gateway.download_bill(dt.date(2026, 11, 23)))
