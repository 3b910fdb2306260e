"""Login, access tokens, subscribe messages and the mini-program code."""

from __future__ import annotations

import base64
import os
import re
import secrets
import struct
import zlib
from typing import Any

from flask import Blueprint, Response, jsonify, request

from sandbox.gate import Gate, get_gate, read_json, spoil_after, spoil_before
from sandbox.message_fields import find_wrong_field
from sandbox.orders import show_time

blueprint = Blueprint("wechat_api", __name__)

CODE_LIFE_S = 300
TOKEN_LIFE_S = 7200
RENEW_BEFORE_S = 300
LOGIN_ERRORS = {
    40029: "invalid code",
    45011: "api minute-quota reach limit, must slower, retry next minute",
    40226: "code blocked",
    -1: "system error",
}
SCENE = re.compile(r"[0-9A-Za-z!#$&'()*+,/:;=?@\-._~]{1,32}")
PICTURE_SIDE = 43


@blueprint.get("/sns/jscode2session")
def jscode2session() -> Response:
    """Exchange a login code, once."""
    gate = get_gate()
    fault = gate.take_fault("login")
    early = spoil_before(fault)
    if early is not None:
        return early
    refused = _find_credential_fault(request.args) or _find_login_fault(request.args)
    if refused is not None:
        return refused
    openid = _use_code(gate, request.args["js_code"])
    spoil_after(fault)
    if openid is None:
        return fail(40029, "invalid code")
    return jsonify({"openid": openid, "session_key": base64.b64encode(os.urandom(16)).decode()})


def _find_login_fault(arguments: Any) -> Response | None:
    """Return the error of a wrong grant, a missing code, or one that was made to fail."""
    if arguments.get("grant_type") != "authorization_code":
        return fail(40002, "invalid grant_type")
    if not arguments.get("js_code"):
        return fail(41008, "missing code")
    code = get_gate().ledger.get("code", arguments["js_code"])
    if code is not None and code.get("errcode"):
        return fail(code["errcode"], LOGIN_ERRORS[code["errcode"]])
    return None


def _use_code(gate: Gate, code: str) -> str | None:
    """Return the openid of a fresh code and spend it; None when it is used, old or unknown."""
    with gate.ledger.transaction():
        record = gate.ledger.get("code", code)
        if record is None or record["is_used"] or gate.ledger.now() > record["expires"]:
            return None
        gate.ledger.put("code", code, {**record, "is_used": True})
        return str(record["openid"])


def fail(errcode: int, message: str) -> Response:
    """Return an error in WeChat's form: HTTP 200 with an errcode."""
    return jsonify({"errcode": errcode, "errmsg": message})


def _find_credential_fault(sent: Any) -> Response | None:
    """Return the error of a wrong app id or secret."""
    gate = get_gate()
    if sent.get("appid") != gate.keys.app_id:
        return fail(40013, "invalid appid")
    if sent.get("secret") != gate.keys.stored["app_secret"]:
        return fail(40125, "invalid appsecret")
    return None


@blueprint.get("/cgi-bin/token")
def token() -> Response:
    """Give a new token; the one before lives five minutes more."""
    return _answer_token(request.args, "plain", must_be_new=True)


@blueprint.post("/cgi-bin/stable_token")
def stable_token() -> Response:
    """Give the present token, or a new one when forced or when it is about to end.

    A forced one ends the present one at once. Nothing here touches the tokens of the other call.
    """
    sent = read_json()
    return _answer_token(sent, "stable", must_be_new=sent.get("force_refresh") is True)


def _answer_token(sent: Any, family: str, *, must_be_new: bool) -> Response:
    """Check the credentials and return a token with its life."""
    gate = get_gate()
    fault = gate.take_fault("token")
    early = spoil_before(fault)
    if early is not None:
        return early
    if sent.get("grant_type") != "client_credential":
        return fail(40002, "invalid grant_type")
    refused = _find_credential_fault(sent)
    if refused is not None:
        return refused
    present = _give_token(gate, family, must_be_new=must_be_new)
    spoil_after(fault)
    expires_in = int(present["expires"] - gate.ledger.now())
    return jsonify({"access_token": present["token"], "expires_in": expires_in})


def _give_token(gate: Gate, family: str, *, must_be_new: bool) -> dict[str, Any]:
    """Return the present token of a family (``plain``, ``stable``) or a new one."""
    with gate.ledger.transaction():
        now = gate.ledger.now()
        present = gate.ledger.get("token_in_use", family)
        if present and not must_be_new and present["expires"] - now >= RENEW_BEFORE_S:
            return present
        if present:
            rest_s = 0 if family == "stable" and must_be_new else RENEW_BEFORE_S
            ends = min(present["expires"], now + rest_s)
            gate.ledger.put("token", present["token"], {"expires": ends})
        token = "sandbox_" + secrets.token_urlsafe(64)
        fresh = {"token": token, "expires": now + TOKEN_LIFE_S}
        gate.ledger.put("token", token, {"expires": now + TOKEN_LIFE_S})
        gate.ledger.put("token_in_use", family, fresh)
        return fresh


def _find_token_fault() -> Response | None:
    """Return the error of a call with a wrong or expired access token, or None."""
    gate = get_gate()
    given = request.args.get("access_token", "")
    if not given:
        return fail(41001, "access_token missing")
    known = gate.ledger.get("token", given)
    if known is None:
        return fail(40001, "invalid credential, access_token is invalid or not latest")
    if gate.ledger.now() >= known["expires"]:
        return fail(42001, "access_token expired")
    return None


@blueprint.post("/cgi-bin/message/subscribe/send")
def send_message() -> Response:
    """Send one subscribe message, where the user has allowed one."""
    gate = get_gate()
    fault = gate.take_fault("message")
    early = spoil_before(fault) or _find_token_fault()
    if early is not None:
        return early
    sent = read_json()
    openid = gate.ledger.get("openid", str(sent.get("touser", "")))
    if openid is None:
        return fail(40003, "invalid openid")
    if not sent.get("template_id") or not isinstance(sent["template_id"], str):
        return fail(40037, "invalid template_id")
    wrong = find_wrong_field(sent.get("data"))
    if wrong is not None:
        return fail(47003, f"argument invalid! data.{wrong}.value invalid")
    answer = _deliver_message(gate, openid["user"], sent)
    spoil_after(fault)
    return answer


def _deliver_message(gate: Gate, user: str, sent: dict[str, Any]) -> Response:
    """Spend one allowance of the user and keep the message."""
    key = f"{user}:{sent['template_id']}"
    with gate.ledger.transaction():
        left = (gate.ledger.get("allowance", key) or {"left": 0})["left"]
        if left < 1:
            return fail(43101, "user refuse to accept the msg")
        gate.ledger.put("allowance", key, {"left": left - 1})
        number = gate.ledger.count_up("message")
        moment = show_time(gate.ledger.now())
        gate.ledger.put("message", str(number), {"user": user, "time": moment, **sent})
    return jsonify({"errcode": 0, "errmsg": "ok", "msgid": number})


@blueprint.post("/wxa/getwxacodeunlimit")
def mini_program_code() -> Response:
    """Draw a picture that stands for the mini-program code of a scene."""
    early = _find_token_fault()
    if early is not None:
        return early
    sent = read_json()
    scene = str(sent.get("scene", ""))
    if not SCENE.fullmatch(scene):
        return fail(40169, "invalid length for scene, or the data is not json string")
    if str(sent.get("page", "")).startswith("/"):
        return fail(41030, "invalid page")
    return Response(_draw_code(scene), mimetype="image/png")


def _draw_code(scene: str) -> bytes:
    """Return a grey PNG of squares that depend on the scene."""
    seed = zlib.crc32(scene.encode())
    rows = []
    for y in range(PICTURE_SIDE):
        row = bytearray([0])
        for x in range(PICTURE_SIDE):
            seed = (seed * 1103515245 + 12345 + x * y) & 0x7FFFFFFF
            row.append(0 if seed & 0x40000 else 255)
        rows.append(bytes(row))

    def chunk(kind: bytes, data: bytes) -> bytes:
        return (
            struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
        )

    header = struct.pack(">IIBBBBB", PICTURE_SIDE, PICTURE_SIDE, 8, 0, 0, 0, 0)
    pixels = zlib.compress(b"".join(rows))
    return (
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", pixels) + chunk(b"IEND", b"")
    )


@blueprint.post("/wxa/business/getuserphonenumber")
def phone_number() -> Response:
    """Exchange a code for a number that nobody has; ``/control/login-code`` makes the code."""
    early = _find_token_fault()
    if early is not None:
        return early
    gate = get_gate()
    openid = _use_code(gate, str(read_json().get("code", "")))
    if openid is None:
        return fail(40029, "invalid code")
    number = f"1380000{zlib.crc32(openid.encode()) % 10_000:04d}"
    info = {
        "phoneNumber": number,
        "purePhoneNumber": number,
        "countryCode": "86",
        "watermark": {"timestamp": int(gate.ledger.now()), "appid": gate.keys.app_id},
    }
    return jsonify({"errcode": 0, "errmsg": "ok", "phone_info": info})


@blueprint.post("/wxa/sec/order/upload_shipping_info")
def upload_shipping() -> Response:
    """Take note of a delivery."""
    early = _find_token_fault()
    if early is not None:
        return early
    sent = read_json()
    key, payer = sent.get("order_key"), sent.get("payer")
    if not isinstance(key, dict) or not isinstance(payer, dict) or not sent.get("shipping_list"):
        return fail(47001, "data format error")
    gate = get_gate()
    if gate.ledger.get("transaction", str(key.get("transaction_id"))) is None:
        return fail(10060001, "支付单不存在")
    gate.ledger.put("shipping", str(gate.ledger.count_up("shipping")), sent)
    return jsonify({"errcode": 0, "errmsg": "ok"})
