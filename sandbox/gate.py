"""What every view of the simulated WeChat needs: keys, ledger, courier and the gateway's faults."""

from __future__ import annotations

import json
import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

from flask import Response, current_app, request

from sandbox.courier import Courier
from sandbox.faults import OF_SIGNATURE, UNSIGNED_CALLS
from sandbox.keys import KeySet, load_or_create_keys, rotate_keys
from sandbox.ledger import Ledger
from sandbox.refusal import Refused
from sandbox.v3_crypto import sign_headers

HANG_S = 30.0
SLOW_S = 3.0
STALE_S = 600.0
PROBE = "WECHATPAY/SIGNTEST/"
Result = tuple[int, dict[str, Any] | None]


@dataclass
class Gate:
    """One simulated WeChat."""

    folder: Path
    server_url: str
    ledger: Ledger
    courier: Courier
    keys: KeySet = field(init=False)

    def __post_init__(self) -> None:
        self.keys = load_or_create_keys(self.folder)

    def rotate_keys(self) -> str:
        """Sign with the other platform key from now on; return its serial."""
        self.keys = rotate_keys(self.folder)
        return str(self.keys.stored["active_serial"])

    def arm_fault(self, name: str, call: str, count: int) -> dict[str, Any]:
        """Spoil the next ``count`` answers of ``call`` (``*``: of any)."""
        key = str(self.ledger.count_up("fault"))
        armed = {"key": key, "name": name, "call": call, "left": count}
        self.ledger.put("fault", key, armed)
        return armed

    def take_fault(self, call: str) -> str | None:
        """Return the fault that the next answer of ``call`` carries, counting it down."""
        with self.ledger.transaction():
            for armed in self.ledger.list("fault"):
                if armed["call"] not in {call, "*"} or not _can_carry(call, armed["name"]):
                    continue
                if armed["left"] > 1:
                    self.ledger.put("fault", armed["key"], {**armed, "left": armed["left"] - 1})
                else:
                    self.ledger.remove("fault", armed["key"])
                return str(armed["name"])
        return None


def _can_carry(call: str, fault: str) -> bool:
    """Tell whether an answer of ``call`` can have a fault: only payment's are signed."""
    return fault not in OF_SIGNATURE or call not in UNSIGNED_CALLS


def get_gate() -> Gate:
    """Return the gate of this application."""
    return cast("Gate", current_app.extensions["sandbox"])


def answer_v3(call: str, work: Callable[[], Result]) -> Response:
    """Do ``work`` and return its signed answer, spoilt by the fault that is armed for ``call``."""
    gate = get_gate()
    fault = gate.take_fault(call)
    early = spoil_before(fault)
    if early is not None:
        return early
    try:
        status, content = work()
    except Refused as refusal:
        status, content = refusal.status, {"code": refusal.code, "message": refusal.message}
    body = b"" if content is None else json.dumps(content, ensure_ascii=False).encode()
    spoil_after(fault)
    headers = {"Request-ID": secrets.token_hex(16).upper(), **sign_answer(gate, body, fault)}
    return Response(body, status, headers, mimetype="application/json")


def sign_answer(gate: Gate, body: bytes, fault: str | None) -> dict[str, str]:
    """Return the headers that sign an answer, as its fault wants them."""
    if fault == "unsigned":
        return {}
    wanted_serial = request.headers.get("Wechatpay-Serial", gate.keys.certificate_serial)
    moment = time.time() - (STALE_S if fault == "stale_answer" else 0)
    headers = sign_headers(gate.keys, body, moment, wanted_serial)
    if fault == "probe_answer":
        headers["Wechatpay-Signature"] = PROBE + secrets.token_hex(64)
    if fault == "foreign_signature":
        headers["Wechatpay-Serial"] = secrets.token_hex(20).upper()
    return headers


def spoil_before(fault: str | None) -> Response | None:
    """Return the answer of a fault that keeps the call from having an effect."""
    if fault == "html_502":
        return Response("<html><h1>502 Bad Gateway</h1></html>", 502, mimetype="text/html")
    if fault == "hang":
        time.sleep(HANG_S)
        return Response("", 504)
    return None


def spoil_after(fault: str | None) -> None:
    """Delay an answer whose call has had its effect."""
    if fault == "timeout_after_effect":
        time.sleep(HANG_S)
    if fault == "slow":
        time.sleep(SLOW_S)


def read_json() -> dict[str, Any]:
    """Return the JSON object of the request, whatever type it claims, or an empty one."""
    content = request.get_json(force=True, silent=True)
    return content if isinstance(content, dict) else {}
