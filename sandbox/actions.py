"""What people do to the simulated WeChat from outside: control API and page call the same."""

from __future__ import annotations

import secrets
from typing import Any

from sandbox import orders
from sandbox.faults import GATEWAY_FAULTS, NOTICE_FAULTS
from sandbox.gate import Gate
from sandbox.notices import (
    require_loopback,
    require_suited,
    send_payment_notice,
    send_refund_notice,
)
from sandbox.refusal import Refused
from sandbox.wechat_api import CODE_LIFE_S, LOGIN_ERRORS

MAX_USER_LENGTH = 64
MAX_ADVANCE_S = 400 * 86400


def make_login_code(gate: Gate, user: object, errcode: object = None) -> str:
    """Return a fresh code; ``errcode`` makes its exchange fail with that code. Raises Refused."""
    if not isinstance(user, str) or not 0 < len(user.strip()) <= MAX_USER_LENGTH:
        raise Refused(400, "PARAM_ERROR", "user: 1-64 characters")
    if errcode is not None and not (isinstance(errcode, int) and errcode in LOGIN_ERRORS):
        raise Refused(400, "PARAM_ERROR", f"errcode: one of {sorted(LOGIN_ERRORS)}")
    name = user.strip()
    code = "0" + secrets.token_hex(15)
    record = {
        "openid": make_openid(gate, name),
        "expires": gate.ledger.now() + CODE_LIFE_S,
        "is_used": False,
        "errcode": errcode,
    }
    gate.ledger.put("code", code, record)
    return code


def make_openid(gate: Gate, user: str) -> str:
    """Return the openid of a simulated user: always the same one."""

    def edit(known: dict[str, Any] | None) -> dict[str, Any]:
        return known or {"user": user, "openid": "o" + secrets.token_urlsafe(20)[:27]}

    openid = str(gate.ledger.change("user", user, edit)["openid"])
    gate.ledger.put("openid", openid, {"user": user})
    return openid


def confirm_payment(gate: Gate, prepay_id: str, faults: list[str]) -> dict[str, Any]:
    """Pay an order and send its notice; raises Refused before anything has happened."""
    order = orders.find_prepaid(gate, prepay_id)
    require_suited(faults, order["version"])
    require_loopback(order["wanted"]["notify_url"])
    with gate.ledger.transaction():
        order = orders.pay_order(gate, prepay_id)
        _start_sideways_faults(gate, faults)
        send_payment_notice(gate, order, _without_sideways(faults))
    return order


def _start_sideways_faults(gate: Gate, faults: list[str]) -> None:
    """Begin what is not in the notice itself: another key, a spoilt answer to the next call."""
    if "rotate_keys" in faults:
        gate.rotate_keys()
    for name in faults:
        if name in GATEWAY_FAULTS:
            gate.arm_fault(name, "*", 1)


def _without_sideways(faults: list[str]) -> list[str]:
    """Return the faults of the notice itself."""
    return [name for name in faults if name in NOTICE_FAULTS and name != "rotate_keys"]


def require_known(faults: list[str]) -> None:
    """Raise Refused for a fault that nobody has heard of."""
    unknown = [name for name in faults if name not in {*NOTICE_FAULTS, *GATEWAY_FAULTS}]
    if unknown:
        raise Refused(400, "PARAM_ERROR", f"unknown faults: {', '.join(unknown)}")


def settle_refund(gate: Gate, number: str, status: object, faults: list[str]) -> dict[str, Any]:
    """Give a refund its result and send its notice; raises Refused before anything happened."""
    if not isinstance(status, str) or status not in {"SUCCESS", "ABNORMAL", "CLOSED"}:
        raise Refused(400, "PARAM_ERROR", "status: SUCCESS, ABNORMAL or CLOSED")
    refund = orders.find_refund(gate, number)
    order = orders.find_order(gate, refund["out_trade_no"])
    url = refund["wanted"]["notify_url"] or order["wanted"]["notify_url"]
    require_suited(faults, refund["version"], is_refund=True)
    require_loopback(url)
    with gate.ledger.transaction():
        refund = orders.finish_refund(gate, number, status)
        _start_sideways_faults(gate, faults)
        send_refund_notice(gate, refund, url, _without_sideways(faults))
    return refund


def advance_clock(gate: Gate, advance_s: Any) -> float:
    """Move the clock and wake the courier; returns the new time. Raises Refused."""
    try:
        seconds = float(advance_s)
    except (TypeError, ValueError) as error:
        raise Refused(400, "PARAM_ERROR", "advance_s: a number of seconds") from error
    if not 0 <= seconds <= MAX_ADVANCE_S:
        raise Refused(400, "PARAM_ERROR", "advance_s: 0 to 400 days")
    now = gate.ledger.advance(seconds)
    gate.courier.wake()
    return now


def allow_message(gate: Gate, user: object, template_id: object, count: int) -> dict[str, Any]:
    """Let a user allow a template some times more; raises Refused."""
    if not isinstance(user, str) or not isinstance(template_id, str) or not (user and template_id):
        raise Refused(400, "PARAM_ERROR", "user and template_id: texts")
    return gate.ledger.change(
        "allowance",
        f"{user}:{template_id}",
        lambda old: {"left": (old or {"left": 0})["left"] + count},
    )
