"""The control API: what a person or a test does to the simulated WeChat from outside."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, Response, jsonify, request

from sandbox import orders
from sandbox.actions import (
    advance_clock,
    allow_message,
    confirm_payment,
    make_login_code,
    require_known,
    settle_refund,
)
from sandbox.client_payment import check_payment
from sandbox.faults import CALLS, GATEWAY_FAULTS, NOTICE_FAULTS, UNSUITED, UNSUITED_REFUND
from sandbox.gate import get_gate
from sandbox.outsiders import refund_by_hand, sell_elsewhere
from sandbox.refusal import Refused

blueprint = Blueprint("control", __name__, url_prefix="/control")

MAX_COUNT = 1000


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


@blueprint.post("/prepaid")
def prepaid() -> Response:
    """Show what the payment sheet shows, once ``paySign`` fits the other four parameters."""
    prepay_id, order = check_payment(get_gate(), read_body())
    wanted = order["wanted"]
    return jsonify(
        {
            "out_trade_no": order["out_trade_no"],
            "prepay_id": prepay_id,
            "amount_fen": wanted["amount_fen"],
            "description": wanted["description"],
        }
    )


@blueprint.post("/pay")
def pay() -> Response:
    """Let the student confirm; the callback goes out at once."""
    sent = read_body()
    order = confirm_payment(get_gate(), str(sent.get("prepay_id", "")), read_faults(sent))
    shown = {name: order[name] for name in ("out_trade_no", "transaction_id", "state")}
    return jsonify(shown)


def read_faults(sent: dict[str, Any]) -> list[str]:
    """Return the faults of a request; raises Refused for an unknown name."""
    faults = sent.get("faults") or []
    if not isinstance(faults, list) or not all(isinstance(name, str) for name in faults):
        raise Refused(400, "PARAM_ERROR", "faults: a list of names")
    faults = [name for name in faults if name]  # a form's "none"
    require_known(faults)
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


@blueprint.post("/refund-by-hand")
def refund_order_by_hand() -> Response:
    """Refund an order as somebody does on the merchant platform, and send its notice."""
    sent = read_body()
    number = str(sent.get("out_trade_no", ""))
    refund = refund_by_hand(get_gate(), number, sent.get("amount_fen") or None)
    shown = {name: refund[name] for name in ("out_refund_no", "refund_id", "status")}
    return jsonify(shown | {"amount_fen": refund["wanted"]["amount_fen"]})


@blueprint.post("/sell-elsewhere")
def sell_something_elsewhere() -> Response:
    """Let another system of the same merchant account sell something."""
    sent = read_body()
    names = ("description", "amount_fen", "out_trade_no", "notify_url", "version")
    order = sell_elsewhere(get_gate(), **{name: sent[name] for name in names if sent.get(name)})
    return jsonify({name: order[name] for name in ("out_trade_no", "transaction_id", "state")})


@blueprint.get("/clock")
def show_clock() -> Response:
    """Show the virtual time."""
    return jsonify({"now": orders.show_time(get_gate().ledger.now())})


@blueprint.post("/clock")
def move_clock() -> Response:
    """Move the virtual clock forward; deliveries that become due go out.

    It rules the schedule, the bill's days, and the life of orders, codes and tokens. Signatures
    carry the machine's time, because a merchant compares them with its own clock.
    """
    now = advance_clock(get_gate(), read_body().get("advance_s", 0))
    return jsonify({"now": orders.show_time(now)})


@blueprint.get("/deliveries")
def deliveries() -> Response:
    """List the attempts of one order, or all."""
    wanted = request.args.get("out_trade_no")
    chosen = {} if wanted is None else {"out_trade_no": wanted}
    return jsonify({"items": get_gate().ledger.find("delivery", **chosen)})


@blueprint.get("/messages")
def messages() -> Response:
    """List the subscribe messages that a user received, or all."""
    wanted = request.args.get("user")
    chosen = {} if wanted is None else {"user": wanted}
    return jsonify({"items": get_gate().ledger.find("message", **chosen)})


@blueprint.post("/allow-messages")
def allow_messages() -> Response:
    """Let a user allow a template some times more."""
    sent = read_body()
    allowance = allow_message(
        get_gate(), sent.get("user"), sent.get("template_id"), _read_count(sent)
    )
    return jsonify(allowance)


def _read_count(sent: dict[str, Any]) -> int:
    """Return how many times something shall happen; raises Refused."""
    try:
        count = int(sent.get("count") or 1)
    except (TypeError, ValueError) as error:
        raise Refused(400, "PARAM_ERROR", "count: a number") from error
    if not 1 <= count <= MAX_COUNT:
        raise Refused(400, "PARAM_ERROR", f"count: 1 to {MAX_COUNT}")
    return count


@blueprint.get("/faults")
def list_faults() -> Response:
    """List all faults by name, what they do not suit, and those of the gateway that are armed.

    ``items`` has every fault with its explanation once more, as one flat list.
    """
    unsuited = {version: sorted(names) for version, names in UNSUITED.items()}
    return jsonify(
        {
            "items": [
                {"name": name, "kind": kind, "explanation": explanation}
                for kind, faults in (("notice", NOTICE_FAULTS), ("gateway", GATEWAY_FAULTS))
                for name, explanation in faults.items()
            ],
            "notice": NOTICE_FAULTS,
            "gateway": GATEWAY_FAULTS,
            "calls": CALLS,
            "unsuited": {**unsuited, "refund": sorted(UNSUITED_REFUND)},
            "armed": get_gate().ledger.list("fault"),
        }
    )


@blueprint.post("/faults")
def arm_fault() -> Response:
    """Spoil the next ``count`` answers of ``call`` (``*`` for any) with a gateway fault."""
    sent = read_body()
    name, call = str(sent.get("name", "")), str(sent.get("call") or "*")
    if name not in GATEWAY_FAULTS:
        raise Refused(400, "PARAM_ERROR", f"name: one of {', '.join(GATEWAY_FAULTS)}")
    if call not in {*CALLS, "*"}:
        raise Refused(400, "PARAM_ERROR", f"call: * or one of {', '.join(CALLS)}")
    return jsonify(get_gate().arm_fault(name, call, _read_count(sent)))


@blueprint.delete("/faults")
def disarm_faults() -> Response:
    """Let every answer be good again."""
    gate = get_gate()
    for armed in gate.ledger.list("fault"):
        gate.ledger.remove("fault", armed["key"])
    return jsonify({"armed": []})


@blueprint.get("/keys")
def keys() -> Response:
    """Show everything that a merchant's client needs."""
    return jsonify(get_gate().keys.describe())


@blueprint.post("/rotate-keys")
def rotate() -> Response:
    """Sign with the other platform key from now on."""
    return jsonify({"active_serial": get_gate().rotate_keys()})


@blueprint.get("/ledger")
def show_ledger() -> Response:
    """Show the truth: all orders and refunds."""
    ledger = get_gate().ledger
    return jsonify({"orders": ledger.list("order"), "refunds": ledger.list("refund")})
