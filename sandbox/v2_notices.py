"""The notices of pay v2: fields, signature, and how each fault spoils them."""

from __future__ import annotations

import datetime as dt
from typing import Any
from xml.sax.saxutils import escape

from sandbox.gate import Gate
from sandbox.orders import LOCAL
from sandbox.v2_signing import encrypt_refund, sign_fields
from sandbox.v2_xml import XmlMalformed, read_xml, write_xml

HUGE_BYTES = 5 * 1024 * 1024
DOCTYPE = b'<?xml version="1.0"?><!DOCTYPE xml [<!ENTITY e SYSTEM "file:///etc/passwd">]>\n'
FOREIGN_KEY = "x" * 32
TRADE_STATES = {
    "SUCCESS": "支付成功",
    "REFUND": "订单发生过退款，退款详情请查询退款单",
    "NOTPAY": "订单未支付",
    "CLOSED": "订单已关闭",
}
REFUND_STATES = {"CLOSED": "REFUNDCLOSE", "ABNORMAL": "CHANGE"}
HTTP_OK = 200


def describe_payment(order: dict[str, Any]) -> dict[str, str]:
    """Return a paid order as v2 shows it in queries and notices."""
    wanted = order["wanted"]
    return {
        "appid": wanted["app_id"],
        "mch_id": wanted["mch_id"],
        "openid": wanted["openid"],
        "is_subscribe": "N",
        "trade_type": "JSAPI",
        "bank_type": "OTHERS",
        "total_fee": str(wanted["amount_fen"]),
        "fee_type": wanted["currency"],
        "cash_fee": str(wanted["amount_fen"]),
        "transaction_id": order["transaction_id"],
        "out_trade_no": order["out_trade_no"],
        "attach": wanted["attach"],
        "time_end": _show_compact(order["success_time"]),
    }


def _show_compact(moment: str) -> str:
    """Return a time of the ledger as ``20141030133525`` in Beijing time."""
    return f"{dt.datetime.fromisoformat(moment).astimezone(LOCAL):%Y%m%d%H%M%S}"


def show_spaced(moment: str | None) -> str:
    """Return a time of the ledger as ``2017-12-15 09:46:01`` in Beijing time, or nothing."""
    if moment is None:
        return ""
    return f"{dt.datetime.fromisoformat(moment).astimezone(LOCAL):%Y-%m-%d %H:%M:%S}"


def show_refund_status(status: str) -> str:
    """Return v2's word for the state of a refund."""
    return REFUND_STATES.get(status, status)


def make_payment_fields(order: dict[str, Any], faults: list[str]) -> dict[str, str]:
    """Return the fields of a payment notice with the faults of content applied, unsigned.

    The nonce belongs to the notice, so that every attempt has the same bytes.
    """
    fields = {
        "return_code": "SUCCESS",
        "result_code": "SUCCESS",
        "nonce_str": order["notice_id"],
        **describe_payment(order),
    }
    if "wrong_amount" in faults:
        fields["total_fee"] = fields["cash_fee"] = str(order["wanted"]["amount_fen"] + 1)
    if "wrong_appid" in faults:
        fields["appid"] = "wxforeign00000001"
    if "wrong_mchid" in faults:
        fields["mch_id"] = "1999999999"
    if "wrong_openid" in faults:
        fields["openid"] = "o-somebody-else"
    if "wrong_currency" in faults:
        fields["fee_type"] = "USD"
    if "result_code_fail" in faults:
        fields |= {"result_code": "FAIL", "err_code": "SYSTEMERROR", "err_code_des": "支付失败"}
    return fields


def make_refund_fields(gate: Gate, refund: dict[str, Any], faults: list[str]) -> dict[str, Any]:
    """Return the open fields and the secret ones of a refund notice."""
    extra_fen = 1 if "wrong_amount" in faults else 0
    amount = str(refund["wanted"]["amount_fen"] + extra_fen)
    total = str(refund["wanted"]["total_fen"])
    secret = {
        "transaction_id": refund["transaction_id"],
        "out_trade_no": refund["out_trade_no"],
        "refund_id": refund["refund_id"],
        "out_refund_no": refund["out_refund_no"],
        "total_fee": total,
        "settlement_total_fee": total,
        "refund_fee": amount,
        "settlement_refund_fee": amount,
        "refund_status": show_refund_status(refund["status"]),
        "success_time": show_spaced(refund["success_time"]),
        "refund_recv_accout": "支付用户零钱",
        "refund_account": "REFUND_SOURCE_RECHARGE_FUNDS",
        "refund_request_source": "API",
    }
    public = {
        "return_code": "SUCCESS",
        "appid": gate.keys.app_id,
        "mch_id": "1999999999" if "wrong_mchid" in faults else gate.keys.mch_id,
        "nonce_str": refund["notice_id"],
    }
    return {"public": public, "secret": secret}


def build_v2(gate: Gate, notice: dict[str, Any], fault: str | None) -> tuple[bytes, dict[str, str]]:
    """Return body and headers of one attempt."""
    key = FOREIGN_KEY if fault == "wrong_key" else gate.keys.stored["api_v2_key"]
    content = notice["content"]
    if notice["kind"] == "refund":
        fields = dict(content["public"])
        fields["req_info"] = encrypt_refund(write_xml(content["secret"], "root"), key)
    else:
        # No sign_type, also under HMAC: a merchant must know what its order asked for.
        fields = {**content, "sign": sign_fields(content, key, notice["sign_type"])}
    if fault == "missing_headers":
        fields.pop("sign", None)
        fields.pop("req_info", None)
    return _spoil(fields, fault), {"Content-Type": "text/xml; charset=utf-8"}


def _spoil(fields: dict[str, str], fault: str | None) -> bytes:
    body = write_xml(fields)
    if fault == "truncated":
        return body[: len(body) // 2]
    if fault == "reencoded":
        plain = [f"  <{name}>{escape(value)}</{name}>" for name, value in reversed(fields.items())]
        return "\r\n".join(["<xml>", *plain, "</xml>"]).encode()
    if fault == "huge":
        return body.removesuffix(b"</xml>") + b" " * HUGE_BYTES + b"</xml>"
    if fault == "xxe":
        return DOCTYPE + body.replace(b"</xml>", b"<device_info>&e;</device_info></xml>")
    return body


def is_kept(status: int, answer: bytes) -> bool:
    """Tell whether a merchant's answer says that the notice is safely kept."""
    try:
        fields = read_xml(answer)
    except XmlMalformed:
        return False
    return status == HTTP_OK and fields.get("return_code") == "SUCCESS"
