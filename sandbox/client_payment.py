"""What WeChat on the phone checks before it shows the payment sheet: the order and ``paySign``."""

from __future__ import annotations

import base64
import hmac
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding

from sandbox import orders
from sandbox.gate import Gate
from sandbox.refusal import Refused
from sandbox.v2_signing import SIGN_TYPES, sign_fields

SIGNED = ("timeStamp", "nonceStr", "package", "signType", "paySign")


def check_payment(gate: Gate, sent: dict[str, Any]) -> tuple[str, dict[str, Any]]:
    """Return prepay_id and order of wx.requestPayment's parameters; raises Refused."""
    if not all(isinstance(sent.get(name), str) and sent[name] for name in SIGNED):
        raise Refused(400, "PARAM_ERROR", f"{', '.join(SIGNED)}: texts")
    prepay_id = sent["package"].removeprefix("prepay_id=")
    order = orders.find_prepaid(gate, prepay_id)
    is_signed = _is_signed_v3 if order["version"] == "v3" else _is_signed_v2
    if not is_signed(gate, sent):
        raise Refused(400, "SIGN_ERROR", "支付验证签名失败")
    return prepay_id, order


def _is_signed_v3(gate: Gate, sent: dict[str, Any]) -> bool:
    if sent["signType"] != "RSA":
        return False
    lines = (gate.keys.app_id, sent["timeStamp"], sent["nonceStr"], sent["package"])
    message = "".join(f"{line}\n" for line in lines).encode()
    key = gate.keys.merchant_key.public_key()
    try:
        signature = base64.b64decode(sent["paySign"], validate=True)
        key.verify(signature, message, padding.PKCS1v15(), hashes.SHA256())
    except (InvalidSignature, ValueError):
        return False
    return True


def _is_signed_v2(gate: Gate, sent: dict[str, Any]) -> bool:
    if sent["signType"] not in SIGN_TYPES:
        return False
    fields = {name: sent[name] for name in SIGNED if name != "paySign"}
    api_key = str(gate.keys.stored["api_v2_key"])
    wanted = sign_fields({"appId": gate.keys.app_id, **fields}, api_key, sent["signType"])
    return hmac.compare_digest(wanted.encode(), sent["paySign"].encode())
