"""The control API: what a person or a test does to the simulated WeChat from outside."""

from __future__ import annotations

import secrets
from typing import Any

from flask import Blueprint, Response, jsonify, request

from sandbox import orders
from sandbox.faults import GATEWAY_FAULTS, NOTICE_FAULTS, UNSUITED, UNSUITED_REFUND
from sandbox.gate import Gate, get_gate
from sandbox.keys import rotate_keys
from sandbox.notices import (
    require_loopback,
    require_suited,
    send_payment_notice,
    send_refund_notice,
)
from sandbox.refusal import Refused
from sandbox.wechat_api import CODE_LIFE_S

blueprint = Blueprint("control", __name__, url_prefix="/control")

MAX_USER_LENGTH = 64
LOGIN_ERRORS = {40029, 45011, 40226, -1}


@blueprint.errorhandler(Refused)
def answer_refusal(refusal: Refused) -> tuple[Response, int]:
    """Answer an error as JSON."""
    return jsonify({"code": refusal.code, "message": refusal.message}), refusal.status


def read_body() -> dict[str, Any]:
    """Return the fields of a JSON or form body; raises Refused."""
    if request.is_json:
        content = request.get_json(silent=True)
        if not isinstance(content, dict):
            raise Refused(400, "PARAM_ERROR", "the body is not a JSON object")
        return content
    fields: dict[str, Any] = request.form.to_dict()
    fields["faults"] = request.form.getlist("faults")
    return fields


@blueprint.post("/login-code")
def login_code() -> Response:
    """Give what wx.login gives on the phone of ``user``."""
    sent = read_body()
    return jsonify({"code": make_login_code(get_gate(), sent.get("user"), sent.get("errcode"))})


def make_login_code(gate: Gate, user: object, errcode: object = None) -> str:
    """Return a fresh code; ``errcode`` makes its exchange fail with that code. Raises Refused."""
    if not isinstance(user, str) or not 0 < len(user.strip()) <= MAX_USER_LENGTH:
        raise Refused(400, "PARAM_ERROR", "user: 1-64 characters")
    if errcode is not None and errcode not in LOGIN_ERRORS:
        raise Refused(400, "PARAM_ERROR", f"errcode: one of {sorted(LOGIN_ERRORS)}")
    name = user.strip()
    code = "0" + secrets.token_hex(15)
    record = {
        "openid": find_or_make_openid(gate, name),
        "expires": gate.ledger.now() + CODE_LIFE_S,
        "is_used": False,
        "errcode": errcode,
    }
    gate.ledger.put("code", code, record)
    return code


def find_or_make_openid(gate: Gate, user: str) -> str:
    """Return the openid of a simulated user: always the same one."""

    def edit(known: dict[str, Any] | None) -> dict[str, Any]:
        return known or {"user": user, "openid": "o" + secrets.token_urlsafe(20)[:27]}

    openid = str(gate.ledger.change("user", user, edit)["openid"])
    gate.ledger.put("openid", openid, {"user": user})
    return openid


@blueprint.post("/pay")
def pay() -> Response:
    """Let the student confirm; the callback goes out at once."""
    sent = read_body()
    order = confirm_payment(get_gate(), str(sent.get("prepay_id", "")), read_faults(sent))
    shown = {name: order[name] for name in ("out_trade_no", "transaction_id", "state")}
    return jsonify(shown)


def confirm_payment(gate: Gate, prepay_id: str, faults: list[str]) -> dict[str, Any]:
    """Pay an order and send its notice; raises Refused before anything has happened."""
    order = orders.find_prepaid(gate, prepay_id)
    require_suited(faults, order["version"])
    require_loopback(order["wanted"]["notify_url"])
    order = orders.pay_order(gate, prepay_id)
    send_payment_notice(gate, order, faults)
    return order


def read_faults(sent: dict[str, Any]) -> list[str]:
    """Return the faults of a request; raises Refused for an unknown name."""
    faults = sent.get("faults") or []
    if not isinstance(faults, list) or not all(isinstance(name, str) for name in faults):
        raise Refused(400, "PARAM_ERROR", "faults: a list of names")
    unknown = [name for name in faults if name not in NOTICE_FAULTS]
    if unknown:
        raise Refused(400, "PARAM_ERROR", f"unknown faults: {', '.join(unknown)}")
    return faults


@blueprint.post("/cancel")
def cancel() -> Response:
    """Let the student close the payment sheet: nothing happens at WeChat."""
    order = orders.find_prepaid(get_gate(), str(read_body().get("prepay_id", "")))
    return jsonify({"out_trade_no": order["out_trade_no"], "state": order["state"]})


@blueprint.post("/finish-refund")
def finish_refund() -> Response:
    """Give a running refund its result and send its notice."""
    sent = read_body()
    status = sent.get("status") or "SUCCESS"
    number = str(sent.get("out_refund_no", ""))
    refund = settle_refund(get_gate(), number, status, read_faults(sent))
    return jsonify({"out_refund_no": refund["out_refund_no"], "status": refund["status"]})


def settle_refund(gate: Gate, number: str, status: object, faults: list[str]) -> dict[str, Any]:
    """Give a refund its result and send its notice; raises Refused before anything happened."""
    if status not in {"SUCCESS", "ABNORMAL", "CLOSED"}:
        raise Refused(400, "PARAM_ERROR", "status: SUCCESS, ABNORMAL or CLOSED")
    refund = orders.find_refund(gate, number)
    order = orders.find_order(gate, refund["out_trade_no"])
    url = refund["wanted"]["notify_url"] or order["wanted"]["notify_url"]
    require_suited(faults, refund["version"], is_refund=True)
    require_loopback(url)
    refund = orders.finish_refund(gate, number, str(status))
    send_refund_notice(gate, refund, url, faults)
    return refund


@blueprint.post("/clock")
def move_clock() -> Response:
    """Move the virtual clock forward; deliveries that become due go out."""
    try:
        seconds = float(read_body().get("advance_s", 0))
    except (TypeError, ValueError) as error:
        raise Refused(400, "PARAM_ERROR", "advance_s: a number of seconds") from error
    if not 0 <= seconds <= 366 * 86400:
        raise Refused(400, "PARAM_ERROR", "advance_s: 0 to one year")
    gate = get_gate()
    now = gate.ledger.advance(seconds)
    gate.courier.wake()
    return jsonify({"now": orders.show_time(now)})


@blueprint.get("/deliveries")
def deliveries() -> Response:
    """List the attempts of one order, or all."""
    wanted = request.args.get("out_trade_no")
    items = get_gate().ledger.list("delivery")
    return jsonify({"items": [i for i in items if wanted in {None, i["out_trade_no"]}]})


@blueprint.get("/messages")
def messages() -> Response:
    """List the subscribe messages that a user received, or all."""
    wanted = request.args.get("user")
    items = get_gate().ledger.list("message")
    return jsonify({"items": [i for i in items if wanted in {None, i["user"]}]})


@blueprint.post("/allow-messages")
def allow_messages() -> Response:
    """Let a user allow a template some times more."""
    sent = read_body()
    key = f"{sent.get('user')}:{sent.get('template_id')}"
    count = int(sent.get("count") or 1)
    gate = get_gate()
    allowance = gate.ledger.change(
        "allowance", key, lambda old: {"left": (old or {"left": 0})["left"] + count}
    )
    return jsonify(allowance)


@blueprint.get("/faults")
def list_faults() -> Response:
    """List all faults by name, what they do not suit, and those of the gateway that are armed."""
    armed = [item for item in get_gate().ledger.list("fault") if item["left"] > 0]
    unsuited = {version: sorted(names) for version, names in UNSUITED.items()}
    return jsonify(
        {
            "notice": NOTICE_FAULTS,
            "gateway": GATEWAY_FAULTS,
            "unsuited": {**unsuited, "refund": sorted(UNSUITED_REFUND)},
            "armed": armed,
        }
    )


@blueprint.post("/faults")
def arm_fault() -> Response:
    """Spoil the next ``count`` answers of ``call`` (``*`` for any) with a gateway fault."""
    sent = read_body()
    name, call = str(sent.get("name", "")), str(sent.get("call") or "*")
    if name not in GATEWAY_FAULTS:
        raise Refused(400, "PARAM_ERROR", f"name: one of {', '.join(GATEWAY_FAULTS)}")
    gate = get_gate()
    key = str(gate.ledger.count_up("fault"))
    armed = {"key": key, "name": name, "call": call, "left": int(sent.get("count") or 1)}
    gate.ledger.put("fault", key, armed)
    return jsonify(armed)


@blueprint.delete("/faults")
def disarm_faults() -> Response:
    """Let every answer be good again."""
    gate = get_gate()
    for armed in gate.ledger.list("fault"):
        gate.ledger.put("fault", armed["key"], {**armed, "left": 0})
    return jsonify({"armed": []})


@blueprint.get("/keys")
def keys() -> Response:
    """Show everything that a merchant's client needs."""
    return jsonify(get_gate().keys.describe())


@blueprint.post("/rotate-keys")
def rotate() -> Response:
    """Sign with the other platform key from now on."""
    gate = get_gate()
    rotate_keys(gate.folder)
    gate.reload_keys()
    return jsonify({"active_serial": gate.keys.stored["active_serial"]})


@blueprint.get("/ledger")
def show_ledger() -> Response:
    """Show the truth: all orders and refunds."""
    ledger = get_gate().ledger
    return jsonify({"orders": ledger.list("order"), "refunds": ledger.list("refund")})
