"""The same WeChat to a merchant that speaks v2: XML in and out, the books are those of v3."""

from __future__ import annotations

import datetime as dt
from typing import Any
from xml.etree import ElementTree as ET

from benchmarks.rig.wechat_side import APP_ID, MCH_ID
from tests.pay.stub_gateway import Reply, Request
from tests.year.outside import Outside

OF_THE_ENVELOPE = {"nonce_str", "sign", "sign_type", "appid", "mch_id"}
CODES = {"ORDER_NOT_EXIST": "ORDERNOTEXIST", "ORDER_CLOSED": "ORDERCLOSED"}
REFUND_STATES = {"CLOSED": "REFUNDCLOSE", "ABNORMAL": "CHANGE"}


class OutsideV2(Outside):
    """Translates the calls of v2 into those of v3, and the answers back."""

    notice_path = "/pay/notify/v2"

    def serve(self, request: Request) -> Reply:
        if not request.path.startswith(("/pay/", "/secapi/")):
            return super().serve(request)
        asked = ET.fromstring(request.body)  # noqa: S314 - our own server wrote it
        fields = {each.tag: each.text or "" for each in asked}
        if request.path == "/pay/downloadbill":
            return self.send_bill(dt.date.fromisoformat(fields["bill_date"]))
        status, content = self.ask(request.path, fields)
        if status >= 400:
            code = CODES.get(content["code"], content["code"])
            answer = {"result_code": "FAIL", "err_code": code, "err_code_des": code}
        else:
            answer = {"result_code": "SUCCESS"} | content
        envelope = {"return_code": "SUCCESS", "appid": APP_ID, "mch_id": MCH_ID, "nonce_str": "n"}
        return Reply(200, self.side.v2_message(envelope | answer))

    def send_bill(self, day: dt.date) -> Reply:
        status, _ = self.make_bill(day)
        none = b"<xml><return_code>FAIL</return_code><return_msg>No Bill Exist</return_msg></xml>"
        return Reply(200, none if status >= 400 else self.bill)

    def ask(self, path: str, fields: dict[str, str]) -> tuple[int, dict[str, Any]]:
        number = fields.get("out_trade_no", "")
        if path == "/pay/unifiedorder":
            return self.prepay(
                {
                    "out_trade_no": number,
                    "amount": {"total": int(fields["total_fee"])},
                    "payer": {"openid": fields["openid"]},
                    "all": {name: fields[name] for name in fields.keys() - OF_THE_ENVELOPE},
                }
            )
        if path == "/pay/orderquery":
            status, content = self.query(number)
            return status, content if status >= 400 else write_trade(content)
        if path == "/pay/closeorder":
            status, content = self.close(number)
            return status, content or {}
        if path == "/pay/refundquery":
            refund = self.refunds.get(fields["out_refund_no"])
            return (200, write_queried(refund)) if refund else (404, {"code": "REFUNDNOTEXIST"})
        amount = {"total": int(fields["total_fee"]), "refund": int(fields["refund_fee"])}
        wanted = {name: fields[name] for name in ("out_refund_no", "transaction_id")}
        status, content = self.refund(wanted | {"amount": amount})
        return status, content if status >= 400 else write_refund(content)

    def make_notice(
        self, content: dict[str, Any], event: str, _now: dt.datetime
    ) -> tuple[bytes, dict[str, str]]:
        if event.startswith("REFUND"):
            spaced = f"{read_time(content):%Y-%m-%d %H:%M:%S}"
            status = {"refund_status": content["status"], "success_time": spaced}
            return self.side.v2_refund_notice(write_refund(content) | status), {}
        paid = write_trade(content) | {"return_code": "SUCCESS", "result_code": "SUCCESS"}
        return self.side.v2_message(paid | {"mch_id": MCH_ID, "nonce_str": "n"}), {}


def read_time(content: dict[str, Any]) -> dt.datetime:
    return dt.datetime.fromisoformat(content["success_time"])


def write_trade(payment: dict[str, Any]) -> dict[str, str]:
    """Return an order as v2 shows it: flat, and its time without a zone."""
    shown = {"out_trade_no": payment["out_trade_no"], "trade_state": payment["trade_state"]}
    if "transaction_id" not in payment:
        return shown
    return shown | {
        "appid": payment["appid"],
        "openid": payment["payer"]["openid"],
        "total_fee": str(payment["amount"]["total"]),
        "transaction_id": payment["transaction_id"],
        "time_end": f"{read_time(payment):%Y%m%d%H%M%S}",
    }


def write_refund(refund: dict[str, Any]) -> dict[str, str]:
    """Return a refund as v2 answers the one who asks for it."""
    names = ("out_refund_no", "refund_id", "out_trade_no", "transaction_id")
    return {name: refund[name] for name in names} | {"refund_fee": str(refund["amount"]["refund"])}


def write_queried(refund: dict[str, Any]) -> dict[str, str]:
    """Return a refund as v2 answers a question: its fields are numbered."""
    shown = write_refund(refund)
    status = REFUND_STATES.get(refund["status"], refund["status"])
    shown |= {"refund_status": status}
    if refund["status"] == "SUCCESS":
        shown |= {"refund_success_time": f"{read_time(refund):%Y-%m-%d %H:%M:%S}"}
    plain = {"out_trade_no", "transaction_id"}
    return {name if name in plain else f"{name}_0": value for name, value in shown.items()}
