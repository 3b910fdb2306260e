"""``/``: the gateway driven by hand. Plain forms and links, so it works without JavaScript."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from typing import Any

from flask import Blueprint, render_template, request

from sandbox import orders
from sandbox.faults import CALLS, GATEWAY_FAULTS, NOTICE_FAULTS, UNSUITED, UNSUITED_REFUND
from sandbox.gate import Gate, get_gate
from sandbox.ledger import Record
from sandbox.orders import LOCAL, show_time
from sandbox.pages import wording
from sandbox.refusal import Refused

SHOWN_ORDERS = 50
SHOWN_DELIVERIES = 200


def register(bp: Blueprint) -> None:
    """Add the pages to the blueprint."""
    bp.add_url_rule("/", view_func=_show_orders)
    bp.add_url_rule("/orders/<out_trade_no>", view_func=show_order)
    bp.add_url_rule("/deliveries", view_func=_show_deliveries)
    bp.add_url_rule("/messages", view_func=_show_messages)
    bp.add_url_rule("/faults", view_func=_show_faults)
    bp.add_url_rule("/keys", view_func=_show_keys)
    bp.register_error_handler(Refused, _show_refusal)
    bp.app_template_filter("yuan")(wording.show_yuan)
    bp.app_template_filter("fault")(wording.show_fault)
    bp.app_template_filter("moment")(_show_moment)


def _show_moment(moment: float | str) -> str:
    """Return a time of the ledger as people in Beijing read it."""
    if isinstance(moment, str):
        moment = dt.datetime.fromisoformat(moment).timestamp()
    return f"{dt.datetime.fromtimestamp(moment, LOCAL):%m-%d %H:%M:%S}"


def render(template: str, **values: Any) -> str:
    """Render a page with what every page shows: the virtual time and what was just done."""
    gate = get_gate()
    now = gate.ledger.now()
    return render_template(
        f"desk/{template}.html",
        now=f"{dt.datetime.fromtimestamp(now, LOCAL):%Y-%m-%d %H:%M:%S}",
        steps=wording.CLOCK_STEPS,
        here=request.path,
        done=wording.DONE.get(request.args.get("done", "")),
        words=wording,
        armed=gate.ledger.list("fault"),
        **values,
    )


def _show_orders() -> str:
    """Show the latest orders, each with what can be done to it."""
    gate = get_gate()
    wanted = request.args.get("q", "").strip()
    known = list(gate.ledger.list("order"))
    found = [order for order in reversed(known) if wanted in order["out_trade_no"]]
    refunds = gate.ledger.list("refund")
    return render(
        "orders",
        orders=[describe(gate, order) for order in found[:SHOWN_ORDERS]],
        found=len(found),
        wanted=wanted,
        total=len(known),
        paid_fen=sum(o["wanted"]["amount_fen"] for o in known if o["transaction_id"]),
        refunded_fen=sum(r["wanted"]["amount_fen"] for r in refunds if r["status"] == "SUCCESS"),
        waiting=gate.ledger.list("task"),
    )


def describe(gate: Gate, order: Record) -> dict[str, Any]:
    """Return an order of this moment with its payer's name and the faults it can have."""
    payer = gate.ledger.get("openid", order["wanted"]["openid"]) or {"user": "?"}
    return {
        **orders.find_order(gate, order["out_trade_no"]),
        "user": payer["user"],
        "faults": [name for name in NOTICE_FAULTS if name not in UNSUITED[order["version"]]],
    }


def show_order(out_trade_no: str) -> str:
    """Show one order with its refunds and every attempt to tell the merchant."""
    gate = get_gate()
    order = orders.find_order(gate, out_trade_no)
    unsuited = UNSUITED[order["version"]] | UNSUITED_REFUND
    return render(
        "order",
        order=describe(gate, order),
        refunds=gate.ledger.find("refund", out_trade_no=out_trade_no),
        refund_faults=[name for name in NOTICE_FAULTS if name not in unsuited],
        deliveries=gate.ledger.find("delivery", out_trade_no=out_trade_no)[::-1],
        waiting=_find_waiting(gate, out_trade_no),
    )


def _find_waiting(gate: Gate, out_trade_no: str) -> Sequence[Record]:
    """Return the notices of an order that will be sent (again)."""
    tasks = gate.ledger.list("task")
    return [task for task in tasks if task["notice"]["out_trade_no"] == out_trade_no]


def _show_deliveries() -> str:
    """Show the latest attempts of all orders, and what waits."""
    gate = get_gate()
    latest = gate.ledger.list("delivery")[: -SHOWN_DELIVERIES - 1 : -1]
    return render("deliveries", deliveries=latest, waiting=gate.ledger.list("task"))


def _show_messages() -> str:
    """Show the subscribe messages that users received."""
    gate = get_gate()
    return render(
        "messages",
        messages=gate.ledger.list("message")[::-1],
        users=[item["user"] for item in gate.ledger.list("user")],
    )


def _show_faults() -> str:
    """Show every fault, and let the answers to the merchant be spoilt."""
    return render("faults", notice=NOTICE_FAULTS, gateway=GATEWAY_FAULTS, calls=("*", *CALLS))


def _show_keys() -> str:
    """Show the public part of the keys; the private part only leaves through the control API."""
    gate = get_gate()
    stored = gate.keys.stored
    ends = {
        serial: show_time(certificate.not_valid_after_utc.timestamp())[:10]
        for serial, _pem, certificate in gate.keys.list_certificates()
    }
    return render("keys", stored=stored, ends=ends)


def _show_refusal(refusal: Refused) -> tuple[str, int]:
    """Say why an action was refused, and lead back."""
    return render("refused", refusal=refusal, back=request.form.get("back", "/")), refusal.status
