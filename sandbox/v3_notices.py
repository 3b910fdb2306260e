"""The notices of pay v3: content, encryption, signature, and how each fault spoils them."""

from __future__ import annotations

import json
import secrets
import time
from typing import Any

from sandbox.gate import PROBE, Gate
from sandbox.orders import show_time
from sandbox.v3_crypto import encrypt_resource, sign_headers

SKEW_S = 600
HUGE_BYTES = 5 * 1024 * 1024
TRADE_STATES = {
    "SUCCESS": "支付成功",
    "REFUND": "转入退款",
    "NOTPAY": "订单未支付",
    "CLOSED": "订单已关闭",
}
XXE = b'<?xml version="1.0"?><!DOCTYPE x [<!ENTITY e SYSTEM "file:///etc/passwd">]><x>&e;</x>'


def describe_transaction(gate: Gate, order: dict[str, Any]) -> dict[str, Any]:
    """Return an order as v3 shows it in queries and notices."""
    wanted = order["wanted"]
    shown: dict[str, Any] = {
        "appid": wanted["app_id"],
        "mchid": wanted["mch_id"],
        "out_trade_no": order["out_trade_no"],
        "trade_state": order["state"],
        "trade_state_desc": TRADE_STATES[order["state"]],
        "amount": {"total": wanted["amount_fen"], "currency": wanted["currency"]},
    }
    if order["transaction_id"]:
        shown |= {
            "transaction_id": order["transaction_id"],
            "trade_type": "JSAPI",
            "bank_type": "OTHERS",
            "attach": wanted["attach"],
            "success_time": order["success_time"],
            "payer": {"openid": wanted["openid"]},
        }
        shown["amount"] |= {
            "payer_total": wanted["amount_fen"],
            "payer_currency": wanted["currency"],
        }
    return shown


def describe_refund(refund: dict[str, Any]) -> dict[str, Any]:
    """Return a refund as v3 shows it in answers and queries."""
    wanted = refund["wanted"]
    shown: dict[str, Any] = {
        "refund_id": refund["refund_id"],
        "out_refund_no": refund["out_refund_no"],
        "transaction_id": refund["transaction_id"],
        "out_trade_no": refund["out_trade_no"],
        "channel": "ORIGINAL",
        "user_received_account": "支付用户零钱",
        "create_time": refund["created"],
        "status": refund["status"],
        "amount": {
            "total": wanted["total_fen"],
            "refund": wanted["amount_fen"],
            "payer_total": wanted["total_fen"],
            "payer_refund": wanted["amount_fen"],
            "settlement_refund": wanted["amount_fen"],
            "settlement_total": wanted["total_fen"],
            "discount_refund": 0,
            "currency": "CNY",
        },
    }
    if refund["success_time"]:
        shown["success_time"] = refund["success_time"]
    return shown


def build_v3(gate: Gate, notice: dict[str, Any], fault: str | None) -> tuple[bytes, dict[str, str]]:
    """Return body and headers of one attempt."""
    body = XXE if fault == "xxe" else _make_body(gate, notice, fault)
    if fault == "huge":
        body = body[:-1] + b" " * HUGE_BYTES + b"}"
    moment = time.time() + {"stale": -SKEW_S, "future": SKEW_S}.get(fault or "", 0)
    serial = "" if notice["names_key"] else gate.keys.certificate_serial
    headers = sign_headers(gate.keys, body, moment, serial)
    return _spoil(body, {"Content-Type": "application/json", **headers}, fault)


def _spoil(body: bytes, headers: dict[str, str], fault: str | None) -> tuple[bytes, dict[str, str]]:
    if fault == "truncated":
        body = body[: len(body) // 2]
    if fault == "reencoded":
        body = json.dumps(json.loads(body), indent=1).encode()
    if fault == "signtest":
        headers["Wechatpay-Signature"] = PROBE + secrets.token_hex(64)
    if fault == "unknown_serial":
        headers["Wechatpay-Serial"] = secrets.token_hex(20).upper()
    if fault == "missing_headers":
        headers = {"Content-Type": "application/json"}
    return body, headers


def _make_body(gate: Gate, notice: dict[str, Any], fault: str | None) -> bytes:
    is_refund = notice["kind"] == "refund"
    key = "x" * 32 if fault == "wrong_key" else gate.keys.stored["api_v3_key"]
    status = "SUCCESS"
    if is_refund:
        status = notice["content"]["refund_status"]
    content = {
        "id": notice["id"],
        "create_time": show_time(gate.ledger.now()),
        "resource_type": "encrypt-resource",
        "event_type": f"REFUND.{status}" if is_refund else "TRANSACTION.SUCCESS",
        "summary": "退款通知" if is_refund else "支付成功",
        "resource": encrypt_resource(
            key,
            notice["content"],
            associated_data="refund" if is_refund else "transaction",
            original_type="refund" if is_refund else "transaction",
        ),
    }
    return json.dumps(content, ensure_ascii=False).encode()


def make_payment_content(gate: Gate, order: dict[str, Any], faults: list[str]) -> dict[str, Any]:
    """Return the decrypted content of a payment notice with the faults of content applied."""
    content = describe_transaction(gate, {**order, "state": "SUCCESS"})
    if "wrong_amount" in faults:
        content["amount"] = {
            key: value + 1 if isinstance(value, int) else value
            for key, value in content["amount"].items()
        }
    if "wrong_appid" in faults:
        content["appid"] = "wxforeign00000001"
    if "wrong_mchid" in faults:
        content["mchid"] = "1999999999"
    if "wrong_openid" in faults:
        content["payer"] = {"openid": "o-somebody-else"}
    if "wrong_currency" in faults:
        content["amount"] |= {"currency": "USD", "payer_currency": "USD"}
    if "result_code_fail" in faults:
        content["trade_state"] = "PAYERROR"
    return content


def make_refund_content(gate: Gate, refund: dict[str, Any], faults: list[str]) -> dict[str, Any]:
    """Return the decrypted content of a refund notice with the faults of content applied."""
    shown = describe_refund(refund)
    amount = shown["amount"]
    if "wrong_amount" in faults:
        amount["refund"] += 1
    content = {
        "mchid": "1999999999" if "wrong_mchid" in faults else gate.keys.mch_id,
        "out_trade_no": refund["out_trade_no"],
        "transaction_id": refund["transaction_id"],
        "out_refund_no": refund["out_refund_no"],
        "refund_id": refund["refund_id"],
        "refund_status": refund["status"],
        "user_received_account": shown["user_received_account"],
        "amount": {key: amount[key] for key in ("total", "refund", "payer_total", "payer_refund")},
    }
    if refund["success_time"]:
        content["success_time"] = refund["success_time"]
    return content


def is_kept(status: int, _answer: bytes) -> bool:
    """Tell whether a merchant's answer says that the notice is safely kept."""
    return status in {200, 204}
