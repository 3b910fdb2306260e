"""WeChat during the year: what it has taken and given back, its bills, and others' numbers."""

from __future__ import annotations

import datetime as dt
import hashlib
import json
from dataclasses import dataclass, field
from typing import Any, ClassVar

from server.gateways.clock import to_local
from tests.pay.small_wechat import SmallWechat
from tests.pay.stub_gateway import Reply, Request
from tests.pay.test_reconcile import HEADER, SUMMARY, payment_line, refund_line

CANTEEN = "CANTEEN2026"
OTHER_INSTALLATION = "ZZ"
SECOND_PAYMENT = "X"
"""The end of the number of a payment that an order did not need."""


@dataclass
class Outside(SmallWechat):
    """The merchant account that our installation shares with others: the truth of the books."""

    notice_path: ClassVar[str] = "/pay/notify/v3"
    payments: list[dict[str, Any]] = field(default_factory=list)
    foreign: list[dict[str, Any]] = field(default_factory=list)
    hand_count: int = 0
    bill: bytes = b""

    def __post_init__(self) -> None:
        self.stub.answer = self.serve

    def stamp(self) -> str:
        return to_local(self.clock.now()).isoformat(timespec="seconds")

    def serve(self, request: Request) -> Reply:
        if request.path.startswith("/file"):
            return Reply(200, self.bill)
        if request.path.startswith("/cgi-bin/stable_token"):
            return Reply(200, b'{"access_token": "of-the-year", "expires_in": 7200}')
        if request.path.startswith("/cgi-bin/message/subscribe/send"):
            return Reply(200, b'{"errcode": 0, "errmsg": "ok"}')
        return self.answer(request)

    def route(self, request: Request) -> tuple[int, Any]:
        if request.path.startswith("/v3/bill/tradebill"):
            day = request.path.partition("bill_date=")[2][:10]
            return self.make_bill(dt.date.fromisoformat(day))
        return super().route(request)

    def prepay(self, sent: dict[str, Any]) -> tuple[int, Any]:
        known = self.orders.get(sent["out_trade_no"])
        if known and known["sent"] == json.loads(json.dumps(sent)) and known["state"] == "NOTPAY":
            return 200, {"prepay_id": "wx" + sent["out_trade_no"]}
        return super().prepay(sent)

    def make_notice(
        self, content: dict[str, Any], event: str, now: dt.datetime
    ) -> tuple[bytes, dict[str, str]]:
        """Return body and headers of WeChat's word about something."""
        body = self.side.v3_notice(content, event_type=event)
        return body, self.side.sign_headers(body, now)

    def take(self, number: str) -> dict[str, Any]:
        """The student confirms now; returns the content of the notice."""
        total = self.orders[number]["sent"]["amount"]["total"]
        amount = {"total": total, "payer_total": total, "currency": "CNY"}
        payment = self.pay(number, success_time=self.stamp(), amount=amount)
        self.payments.append(payment)
        return payment

    def take_twice(self, number: str) -> dict[str, Any]:
        """WeChat takes the same order's money once more."""
        first = self.orders[number]["payment"]
        again = {
            "transaction_id": first["transaction_id"][:-1] + SECOND_PAYMENT,
            "success_time": self.stamp(),
        }
        self.payments.append(first | again)
        return self.payments[-1]

    def refund(self, sent: dict[str, Any]) -> tuple[int, Any]:
        number, transaction = sent["out_refund_no"], sent["transaction_id"]
        if number not in self.refunds:
            left = self.left_of(transaction)
            if sent["amount"]["refund"] > left:
                return 403, {"code": "NOT_ENOUGH", "message": "退款金额超过已支付金额"}
            self.add_refund(number, transaction, sent["amount"], "PROCESSING")
        return 200, self.refunds[number]

    def left_of(self, transaction: str) -> int:
        """What can still go back of a payment, in fen."""
        back = [each for each in self.refunds.values() if each["transaction_id"] == transaction]
        paid: int = self.find(transaction)["amount"]["total"]
        return paid - sum(each["amount"]["refund"] for each in back if each["status"] != "CLOSED")

    def find(self, transaction: str) -> dict[str, Any]:
        return next(each for each in self.payments if each["transaction_id"] == transaction)

    def add_refund(
        self, number: str, transaction: str, amount: dict[str, Any], status: str
    ) -> dict[str, Any]:
        payment = self.find(transaction)
        self.refunds[number] = {
            "mchid": payment["mchid"],
            "refund_id": f"50{len(self.refunds):020d}",
            "out_refund_no": number,
            "out_trade_no": payment["out_trade_no"],
            "transaction_id": transaction,
            "status": status,
            "amount": amount,
        }
        return self.refunds[number]

    def give_back_by_hand(self, payment: dict[str, Any], fen: int) -> dict[str, Any]:
        """Somebody refunds on the merchant platform; returns the content of the notice."""
        self.hand_count += 1
        total = payment["amount"]["total"]
        amount = {"total": total, "refund": fen, "payer_total": total, "payer_refund": fen}
        number = f"HAND{self.hand_count:06d}"
        self.add_refund(number, payment["transaction_id"], amount, "SUCCESS")
        order = self.orders[payment["out_trade_no"]]
        if order["payment"]["transaction_id"] == payment["transaction_id"]:
            order["payment"]["trade_state"] = "REFUND"
        return self.end(number)

    def end(self, number: str) -> dict[str, Any]:
        """The money is back now; returns the content of the notice."""
        refund = self.refunds[number]
        refund |= {"status": "SUCCESS", "success_time": self.stamp()}
        return refund | {"refund_status": "SUCCESS"}

    def sell_elsewhere(self, place: int) -> dict[str, Any]:
        """The canteen, or another installation of this program, sells something."""
        day = to_local(self.clock.now())
        own_form = f"{OTHER_INSTALLATION}{day:%Y%m%d%H%M%S}{place:06d}"
        number = own_form if place % 2 else f"{CANTEEN}{place:06d}"
        amount = {"total": 1350, "payer_total": 1350, "currency": "CNY"}
        sold = self.side.v3_payment(
            number, "openid-hungry", success_time=self.stamp(), amount=amount
        )
        self.foreign.append(sold)
        return sold

    def make_bill(self, day: dt.date) -> tuple[int, Any]:
        """Make the bill of a day as WeChat does: every sale and every finished refund of it."""
        text = day.isoformat()
        lines = [
            payment_line(each, f"{each['amount']['total'] / 100:.2f}")
            for each in [*self.payments, *self.foreign]
            if each["success_time"].startswith(text)
        ]
        lines += [
            self.write_refund(each)
            for each in self.refunds.values()
            if each["status"] == "SUCCESS" and each["success_time"].startswith(text)
        ]
        if not lines:
            return 400, {"code": "NO_STATEMENT_EXIST", "message": "账单不存在"}
        self.bill = (HEADER + "".join(lines) + SUMMARY).encode()
        digest = hashlib.sha1(self.bill, usedforsecurity=False).hexdigest()
        url = f"{self.stub.url}/file?token=t"
        return 200, {"hash_type": "SHA1", "hash_value": digest, "download_url": url}

    def write_refund(self, refund: dict[str, Any]) -> str:
        payment = self.find(refund["transaction_id"])
        payment = payment | {"success_time": refund["success_time"]}
        yuan = f"{refund['amount']['refund'] / 100:.2f}"
        line = refund_line(payment, refund["out_refund_no"], yuan)
        return line.replace(",`50,", f",`{refund['refund_id']},")
