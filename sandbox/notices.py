"""Puts notices of payments and refunds into the courier's hands, for both versions."""

from __future__ import annotations

import secrets
from typing import Any

from sandbox import v2_notices, v3_notices
from sandbox.courier import is_loopback
from sandbox.faults import PERSISTENT, UNSUITED, UNSUITED_REFUND
from sandbox.gate import Gate
from sandbox.refusal import Refused


def require_suited(faults: list[str], version: str, *, is_refund: bool = False) -> None:
    """Raise Refused for a fault that this kind of notice cannot have."""
    unsuited = UNSUITED[version] | (UNSUITED_REFUND if is_refund else frozenset())
    wrong = sorted(unsuited & set(faults))
    if wrong:
        kind = "refund" if is_refund else "payment"
        message = f"no such fault in a {version} {kind} notice: {', '.join(wrong)}"
        raise Refused(400, "PARAM_ERROR", message)


def require_loopback(url: str) -> None:
    """Raise Refused for an address that is not on this machine."""
    if not is_loopback(url):
        raise Refused(400, "PARAM_ERROR", "notify_url is not on this machine")


def send_payment_notice(gate: Gate, order: dict[str, Any], faults: list[str]) -> None:
    """Queue the notice of a paid order; the same order always has the same notice id."""
    require_loopback(order["wanted"]["notify_url"])
    lies = [name for name in faults if name in PERSISTENT]
    if order["version"] == "v2":
        content = v2_notices.make_payment_fields(order, lies)
    else:
        content = v3_notices.make_payment_content(gate, order, lies)
    notice = {
        "id": order["notice_id"] + ("-" + "-".join(lies) if lies else ""),
        "kind": "payment",
        "version": order["version"],
        "sign_type": order["wanted"].get("sign_type"),
        "names_key": order["names_key"],
        "out_trade_no": order["out_trade_no"],
        "url": order["wanted"]["notify_url"],
        "content": content,
        "content_faults": lies,
    }
    if "refund_before_pay" in faults:
        _send_unknown_refund_notice(gate, order)
    gate.courier.send(notice, [name for name in faults if name not in PERSISTENT])


def _send_unknown_refund_notice(gate: Gate, order: dict[str, Any]) -> None:
    """Send the notice of a refund that the merchant never asked for."""
    amount_fen = order["wanted"]["amount_fen"]
    number = "EARLY" + order["out_trade_no"][:26]
    refund = {
        "out_refund_no": number,
        "refund_id": "50300" + secrets.token_hex(8),
        "out_trade_no": order["out_trade_no"],
        "transaction_id": order["transaction_id"],
        "version": order["version"],
        "names_key": order["names_key"],
        "wanted": {"out_refund_no": number, "amount_fen": amount_fen, "total_fen": amount_fen},
        "status": "SUCCESS",
        "created": order["success_time"],
        "success_time": order["success_time"],
        "notice_id": secrets.token_hex(16),
    }
    send_refund_notice(gate, refund, order["wanted"]["notify_url"], [])


def send_refund_notice(gate: Gate, refund: dict[str, Any], url: str, faults: list[str]) -> None:
    """Queue the notice of a finished refund."""
    require_loopback(url)
    lies = [name for name in faults if name in PERSISTENT]
    if refund["version"] == "v2":
        content = v2_notices.make_refund_fields(gate, refund, lies)
    else:
        content = v3_notices.make_refund_content(gate, refund, lies)
    notice = {
        "id": refund["notice_id"] + ("-" + "-".join(lies) if lies else ""),
        "kind": "refund",
        "version": refund["version"],
        "names_key": refund["names_key"],
        "out_trade_no": refund["out_trade_no"],
        "url": url,
        "content": content,
        "content_faults": lies,
    }
    gate.courier.send(notice, [name for name in faults if name not in PERSISTENT])
