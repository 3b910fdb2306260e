"""A small WeChat Pay v3 for service tests: one dictionary, signed answers, faults on request.

The complete one is the sandbox; this one answers with the test's own clock, inside the test.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, field
from typing import Any

from benchmarks.rig.wechat_side import MCH_ID, WechatSide
from server.gateways.clock import Clock
from tests.pay.stub_gateway import Reply, Request, Stub


@dataclass
class SmallWechat:
    """Orders and refunds as WeChat has them. `fault` answers in place of everything, once set."""

    side: WechatSide
    clock: Clock
    stub: Stub
    orders: dict[str, dict[str, Any]] = field(default_factory=dict)
    refunds: dict[str, dict[str, Any]] = field(default_factory=dict)
    refund_status: str = "PROCESSING"
    fault: Reply | None = None
    loses_answers: bool = False

    def __post_init__(self) -> None:
        self.stub.answer = self.answer

    def answer(self, request: Request) -> Reply:
        if self.fault is not None:
            return self.fault
        status, content = self.route(request)
        if self.loses_answers:
            return Reply(502, b"<html>Bad Gateway</html>")
        body = b"" if content is None else json.dumps(content).encode()
        return Reply(status, body, self.side.sign_headers(body, self.clock.now()))

    def route(self, request: Request) -> tuple[int, Any]:
        path = request.path.partition("?")[0]
        sent = json.loads(request.body) if request.body else {}
        if path.endswith("/transactions/jsapi"):
            return self.prepay(sent)
        if path.startswith("/v3/pay/transactions/out-trade-no/"):
            number, _, action = path.removeprefix("/v3/pay/transactions/out-trade-no/").partition(
                "/"
            )
            return self.close(number) if action == "close" else self.query(number)
        if path == "/v3/refund/domestic/refunds":
            return self.refund(sent)
        if path.startswith("/v3/refund/domestic/refunds/"):
            refund = self.refunds.get(path.rsplit("/", 1)[1])
            return (200, refund) if refund else (404, {"code": "RESOURCE_NOT_EXISTS"})
        return 404, {"code": "NOT_FOUND"}

    def prepay(self, sent: dict[str, Any]) -> tuple[int, Any]:
        known = self.orders.setdefault(sent["out_trade_no"], {"sent": sent, "state": "NOTPAY"})
        if known["sent"] != sent:
            return 400, {"code": "INVALID_REQUEST", "message": "201 商户订单号重复"}
        if known["state"] != "NOTPAY":
            return 400, {"code": "ORDERPAID" if known["state"] == "SUCCESS" else "ORDER_CLOSED"}
        return 200, {"prepay_id": "wx" + sent["out_trade_no"]}

    def query(self, number: str) -> tuple[int, Any]:
        order = self.orders.get(number)
        if order is None:
            return 404, {"code": "ORDER_NOT_EXIST"}
        if order["state"] == "SUCCESS":
            return 200, order["payment"]
        return 200, {"out_trade_no": number, "mchid": MCH_ID, "trade_state": order["state"]}

    def close(self, number: str) -> tuple[int, Any]:
        order = self.orders.get(number)
        if order is None:
            return 404, {"code": "ORDER_NOT_EXIST"}
        if order["state"] == "SUCCESS":
            return 400, {"code": "ORDERPAID"}
        order["state"] = "CLOSED"
        return 204, None

    def refund(self, sent: dict[str, Any]) -> tuple[int, Any]:
        number = sent["out_refund_no"]
        others = [
            each
            for each in self.refunds.values()
            if each["transaction_id"] == sent["transaction_id"]
            and each["out_refund_no"] != number
            and each["status"] != "CLOSED"
        ]
        if others:
            return 403, {"code": "NOT_ENOUGH", "message": "退款金额超过已支付金额"}
        digest = hashlib.sha256(number.encode()).hexdigest()[:20]
        self.refunds.setdefault(
            number,
            {
                "refund_id": f"50{digest}",
                "out_refund_no": number,
                "out_trade_no": sent["transaction_id"],
                "transaction_id": sent["transaction_id"],
                "status": self.refund_status,
                "amount": sent["amount"],
            },
        )
        return 200, self.refunds[number]

    def pay(self, number: str, **changes: Any) -> dict[str, Any]:
        """The student confirms; returns what a callback about it would contain."""
        sent = self.orders[number]["sent"]
        payment = self.side.v3_payment(number, sent["payer"]["openid"]) | changes
        self.orders[number] |= {"state": "SUCCESS", "payment": payment}
        return payment
