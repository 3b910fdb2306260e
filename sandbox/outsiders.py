"""What happens on the merchant account without us: a refund by hand, sales of the college's others.

Somebody refunds on WeChat's merchant platform, or the canteen sells lunch on the same account.
Both are in the day's bill, and their notices may come to the merchant's address like any other.
"""

from __future__ import annotations

import secrets
from typing import Any

from sandbox import orders
from sandbox.actions import make_openid
from sandbox.gate import Gate
from sandbox.notices import require_loopback, send_payment_notice, send_refund_notice
from sandbox.refusal import Refused

HAND_PREFIX = "HAND"
CANTEEN = "食堂收银台"
NOWHERE = "http://127.0.0.1:9/elsewhere"
"""The notices of a sale of others go here, which is nowhere, unless they are to come to us."""
MAX_FEN = 10**9


def refund_by_hand(gate: Gate, out_trade_no: str, amount_fen: object = None) -> dict[str, Any]:
    """Give money of a paid order back as somebody does on the merchant platform, and tell of it.

    ``amount_fen``: None gives back all that is left. It succeeds at once, under a number that the
    merchant has never seen. Raises Refused before anything has happened.
    """
    order = orders.find_order(gate, out_trade_no)
    paid = order["wanted"]["amount_fen"]
    left = paid - order["refunded_fen"]
    wanted = {
        "out_refund_no": HAND_PREFIX + secrets.token_hex(12).upper(),
        "amount_fen": left if amount_fen is None else read_fen(amount_fen),
        "total_fen": paid,
        "reason": "商户平台手工退款",
        "notify_url": order["wanted"]["notify_url"],
    }
    require_loopback(wanted["notify_url"])
    with gate.ledger.transaction():
        refund = orders.open_refund(gate, order["version"], order, wanted)
        refund = orders.finish_refund(gate, refund["out_refund_no"], "SUCCESS")
        send_refund_notice(gate, refund, wanted["notify_url"], [])
    return refund


def sell_elsewhere(
    gate: Gate,
    *,
    description: object = "",
    amount_fen: object = 1350,
    out_trade_no: object = "",
    notify_url: object = "",
    version: object = "v3",
) -> dict[str, Any]:
    """Let another system of the same account sell something; returns its paid order.

    ``description`` may hold commas and line breaks, as people write them. With ``notify_url`` the
    notice of the sale goes there, as it does where two systems have set the same address. Raises
    Refused.
    """
    if version not in {"v2", "v3"}:
        raise Refused(400, "PARAM_ERROR", "version: v2 or v3")
    wanted = {
        "mch_id": gate.keys.mch_id,
        "app_id": gate.keys.app_id,
        "out_trade_no": out_trade_no or "CANTEEN" + secrets.token_hex(8).upper(),
        "openid": make_openid(gate, CANTEEN),
        "description": description or "午餐,两荤一素\n加饭",
        "attach": "",
        "notify_url": notify_url or NOWHERE,
        "currency": "CNY",
        "amount_fen": read_fen(amount_fen),
        "expires_at": None,
        "sign_type": "MD5",
    }
    if notify_url:
        require_loopback(str(notify_url))
    with gate.ledger.transaction():
        order = orders.open_order(gate, str(version), wanted)
        order = orders.pay_order(gate, order["prepay_id"])
        if notify_url:
            send_payment_notice(gate, order, [])
    return order


def read_fen(value: object) -> int:
    """Return an amount from JSON or a form; raises Refused."""
    is_number = isinstance(value, int) and not isinstance(value, bool)
    text = str(value) if is_number or isinstance(value, str) else ""
    if not (text.isascii() and text.isdigit() and 0 < int(text) <= MAX_FEN):
        raise Refused(400, "PARAM_ERROR", f"amount_fen: 1 to {MAX_FEN}")
    return int(text)
