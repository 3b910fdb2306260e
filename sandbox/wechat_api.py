"""Login, access tokens, subscribe messages and the mini-program code."""

from __future__ import annotations

import secrets
import struct
import zlib
from typing import Any

from flask import Blueprint, Response, jsonify, request

from sandbox.gate import get_gate, read_json, spoil_after, spoil_before

blueprint = Blueprint("wechat_api", __name__)

CODE_LIFE_S = 300
TOKEN_LIFE_S = 7200
RENEW_BEFORE_S = 300
LIMITS = {"thing": 20, "phrase": 5, "character_string": 32, "name": 10}
PICTURE_SIDE = 43


@blueprint.get("/sns/jscode2session")
def jscode2session() -> Response:
    """Exchange a login code, once."""
    gate = get_gate()
    fault = gate.take_fault("login")
    early = spoil_before(fault)
    if early is not None:
        return early
    arguments = request.args
    if arguments.get("appid") != gate.keys.app_id:
        return fail(40013, "invalid appid")
    if arguments.get("secret") != gate.keys.stored["app_secret"]:
        return fail(40125, "invalid appsecret")
    code = gate.ledger.get("code", arguments.get("js_code", ""))
    if code is not None and code.get("errcode"):
        return fail(code["errcode"], "simulated")
    is_expired = code is None or gate.ledger.now() > code["expires"]
    if code is None or is_expired or not _use_code(arguments["js_code"]):
        return fail(40029, "invalid code")
    spoil_after(fault)
    return jsonify({"openid": code["openid"], "session_key": secrets.token_urlsafe(18)})


def _use_code(js_code: str) -> bool:
    is_first = False

    def edit(code: dict[str, Any] | None) -> dict[str, Any] | None:
        nonlocal is_first
        if code is None:
            return None
        is_first = not code["is_used"]
        return {**code, "is_used": True}

    get_gate().ledger.change("code", js_code, edit)
    return is_first


def fail(errcode: int, message: str) -> Response:
    """Return an error in WeChat's form: HTTP 200 with an errcode."""
    return jsonify({"errcode": errcode, "errmsg": message})


@blueprint.get("/cgi-bin/token")
def token() -> Response:
    """Give a new token; the one before ends."""
    return give_token(request.args, must_be_new=True)


@blueprint.post("/cgi-bin/stable_token")
def stable_token() -> Response:
    """Give the present token, or a new one when forced or when it is about to end."""
    sent = read_json()
    return give_token(sent, must_be_new=bool(sent.get("force_refresh")))


def give_token(sent: Any, *, must_be_new: bool) -> Response:
    """Check the credentials and return a token with its life."""
    gate = get_gate()
    early = spoil_before(gate.take_fault("token"))
    if early is not None:
        return early
    if sent.get("grant_type") != "client_credential" or sent.get("appid") != gate.keys.app_id:
        return fail(40013, "invalid appid")
    if sent.get("secret") != gate.keys.stored["app_secret"]:
        return fail(40125, "invalid appsecret")
    now = gate.ledger.now()
    present = gate.ledger.get("token", "current")
    if present is None or must_be_new or present["expires"] - now < RENEW_BEFORE_S:
        present = {"token": "sandbox_" + secrets.token_urlsafe(64), "expires": now + TOKEN_LIFE_S}
        gate.ledger.put("token", "current", present)
    return jsonify({"access_token": present["token"], "expires_in": int(present["expires"] - now)})


def find_token_fault() -> Response | None:
    """Return the error of a call with a wrong or expired access token, or None."""
    gate = get_gate()
    present = gate.ledger.get("token", "current")
    given = request.args.get("access_token", "")
    if present is None or given != present["token"]:
        return fail(40001, "invalid credential, access_token is invalid or not latest")
    if gate.ledger.now() > present["expires"]:
        return fail(42001, "access_token expired")
    return None


@blueprint.post("/cgi-bin/message/subscribe/send")
def send_message() -> Response:
    """Send one subscribe message, where the user has allowed one."""
    gate = get_gate()
    early = spoil_before(gate.take_fault("message")) or find_token_fault()
    if early is not None:
        return early
    sent = read_json()
    openid = gate.ledger.get("openid", str(sent.get("touser", "")))
    if openid is None:
        return fail(40003, "invalid openid")
    data = sent.get("data")
    if not isinstance(data, dict) or not all(_is_field_good(n, v) for n, v in data.items()):
        return fail(47003, "argument invalid")
    key = f"{openid['user']}:{sent.get('template_id')}"
    if not _use_allowance(key):
        return fail(43101, "user refuse to accept the msg")
    message = {"user": openid["user"], "time": gate.ledger.now(), **sent}
    gate.ledger.put("message", str(gate.ledger.count_up("message")), message)
    return jsonify({"errcode": 0, "errmsg": "ok", "msgid": gate.ledger.count_up("msgid")})


def _is_field_good(name: str, value: Any) -> bool:
    text = value.get("value") if isinstance(value, dict) else None
    limit = LIMITS.get(name.rstrip("0123456789"), 64)
    return isinstance(text, str) and 0 < len(text) <= limit


def _use_allowance(key: str) -> bool:
    is_allowed = False

    def edit(allowance: dict[str, Any] | None) -> dict[str, Any]:
        nonlocal is_allowed
        left = (allowance or {"left": 0})["left"]
        is_allowed = left > 0
        return {"left": max(0, left - 1)}

    get_gate().ledger.change("allowance", key, edit)
    return is_allowed


@blueprint.post("/wxa/getwxacodeunlimit")
def mini_program_code() -> Response:
    """Draw a picture that stands for the mini-program code of a scene."""
    early = find_token_fault()
    if early is not None:
        return early
    scene = str(read_json().get("scene", ""))
    if not 0 < len(scene) <= 32:  # noqa: PLR2004 - WeChat's limit
        return fail(40169, "invalid length for scene")
    return Response(draw_code(scene), mimetype="image/png")


def draw_code(scene: str) -> bytes:
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
    """Give a number that nobody has."""
    early = find_token_fault()
    if early is not None:
        return early
    info = {"phoneNumber": "13800000000", "purePhoneNumber": "13800000000", "countryCode": "86"}
    return jsonify({"errcode": 0, "errmsg": "ok", "phone_info": info})


@blueprint.post("/wxa/sec/order/upload_shipping_info")
def upload_shipping() -> Response:
    """Take note of a delivery."""
    early = find_token_fault()
    if early is not None:
        return early
    sent = read_json()
    if not sent.get("order_key") or not sent.get("payer"):
        return fail(47001, "data format error")
    gate = get_gate()
    gate.ledger.put("shipping", str(gate.ledger.count_up("shipping")), sent)
    return jsonify({"errcode": 0, "errmsg": "ok"})
