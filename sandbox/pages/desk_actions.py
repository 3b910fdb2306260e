"""The buttons of the gateway's page: each is a form that does one thing and leads back."""

from __future__ import annotations

import re
from typing import Any

from flask import Blueprint, redirect, request
from werkzeug.wrappers import Response

from sandbox import orders
from sandbox.actions import (
    advance_clock,
    allow_message,
    confirm_payment,
    require_known,
    settle_refund,
)
from sandbox.faults import CALLS, GATEWAY_FAULTS
from sandbox.gate import Gate, get_gate
from sandbox.outsiders import refund_by_hand, sell_elsewhere
from sandbox.refusal import Refused

YUAN = re.compile(r"(\d{1,7})(?:\.(\d{1,2}))?", re.ASCII)


def register(bp: Blueprint) -> None:
    """Add the actions to the blueprint."""
    actions = (pay, cancel, finish_refund, by_hand, elsewhere, clock, arm, disarm, rotate, allow)
    for action in actions:
        bp.add_url_rule(f"/do/{action.__name__}", view_func=action, methods=["POST"])


def _go_back(done: str) -> Response:
    """Return to the page where the button stood, with a word on what was done."""
    back = request.form.get("back", "/")
    if not back.startswith("/") or back.startswith("//") or "\\" in back:
        back = "/"
    return redirect(f"{back}?done={done}", 303)


def _read_fault() -> list[str]:
    """Return the chosen fault as a list; empty for none. Raises Refused."""
    faults = [name for name in request.form.getlist("fault") if name]
    require_known(faults)
    return faults


def pay() -> Response:
    """Let the student confirm; a second time the same notice goes out again."""
    gate = get_gate()
    order = find_order(gate)
    confirm_payment(gate, order["prepay_id"], _read_fault())
    return _go_back("again" if order["transaction_id"] else "pay")


def find_order(gate: Gate) -> dict[str, Any]:
    """Return the order that the form means; raises Refused."""
    return orders.find_order(gate, request.form.get("out_trade_no", ""))


def cancel() -> Response:
    """Let the student close the payment sheet."""
    find_order(get_gate())
    return _go_back("cancel")


def finish_refund() -> Response:
    """Give a refund its result."""
    number = request.form.get("out_refund_no", "")
    settle_refund(get_gate(), number, request.form.get("status"), _read_fault())
    return _go_back("refund")


def by_hand() -> Response:
    """Refund on the merchant platform: the whole rest, or what the form says in yuan."""
    amount = request.form.get("yuan", "").strip()
    refund_by_hand(get_gate(), request.form.get("out_trade_no", ""), _read_yuan(amount))
    return _go_back("by_hand")


def _read_yuan(text: str) -> int | None:
    """Return an amount in fen, None where nothing was written; raises Refused."""
    if not text:
        return None
    found = YUAN.fullmatch(text)
    if found is None:
        raise Refused(400, "PARAM_ERROR", "金额写成元，例如 5 或 5.00")
    return int(found[1]) * 100 + int((found[2] or "").ljust(2, "0"))


def elsewhere() -> Response:
    """Let the canteen sell something on the same account."""
    sell_elsewhere(get_gate(), description=request.form.get("description", ""))
    return _go_back("elsewhere")


def clock() -> Response:
    """Move the virtual clock forward."""
    advance_clock(get_gate(), request.form.get("advance_s", "0"))
    return _go_back("clock")


def arm() -> Response:
    """Spoil the next answers of a call."""
    name, call = request.form.get("name", ""), request.form.get("call", "*")
    count = request.form.get("count", "1")
    if name not in GATEWAY_FAULTS or call not in {*CALLS, "*"}:
        raise Refused(400, "PARAM_ERROR", "没有这种故障或调用")
    if not (count.isascii() and count.isdigit() and 0 < int(count) <= 100):  # noqa: PLR2004 - plenty by hand
        raise Refused(400, "PARAM_ERROR", "次数应为 1 到 100")
    get_gate().arm_fault(name, call, int(count))
    return _go_back("arm")


def disarm() -> Response:
    """Let every answer be good again."""
    ledger = get_gate().ledger
    for armed in ledger.list("fault"):
        ledger.remove("fault", armed["key"])
    return _go_back("disarm")


def rotate() -> Response:
    """Sign with the other platform key."""
    get_gate().rotate_keys()
    return _go_back("rotate")


def allow() -> Response:
    """Let a user allow one message of a template."""
    allow_message(get_gate(), request.form.get("user"), request.form.get("template_id"), 1)
    return _go_back("allow")
