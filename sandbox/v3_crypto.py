"""Signatures and encryption of pay v3, from the platform's side (WECHAT §2)."""

from __future__ import annotations

import base64
import json
import re
import secrets
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from sandbox.keys import KeySet

SCHEME = "WECHATPAY2-SHA256-RSA2048"
MAX_SKEW_S = 300


def sign(key: RSAPrivateKey, message: bytes) -> str:
    """Return the base64 RSA-SHA256 signature."""
    return base64.b64encode(key.sign(message, padding.PKCS1v15(), hashes.SHA256())).decode()


def sign_headers(keys: KeySet, body: bytes, now: float, wanted_serial: str = "") -> dict[str, str]:
    """Return the headers of a signed answer or callback.

    ``now`` is the machine's time, not the virtual one: the merchant compares it with its own clock.
    A merchant names in its request the key that it wants the answer signed with.
    """
    serial, key = keys.choose_signing(wanted_serial)
    timestamp, nonce = str(int(now)), secrets.token_hex(16)
    message = f"{timestamp}\n{nonce}\n".encode() + body + b"\n"
    return {
        "Wechatpay-Serial": serial,
        "Wechatpay-Timestamp": timestamp,
        "Wechatpay-Nonce": nonce,
        "Wechatpay-Signature": sign(key, message),
        "Wechatpay-Signature-Type": SCHEME,
    }


def find_request_fault(
    keys: KeySet, *, method: str, target: str, body: bytes, header: str, now: float
) -> str | None:
    """Return why a merchant's Authorization is not valid for this request, or None."""
    scheme, _, rest = header.partition(" ")
    fields = dict(re.findall(r'(\w+)="([^"]*)"', rest))
    needed = {"mchid", "nonce_str", "signature", "timestamp", "serial_no"}
    if scheme != SCHEME or not needed <= fields.keys():
        return "Authorization is missing or malformed"
    if fields["mchid"] != keys.mch_id or fields["serial_no"] != keys.stored["merchant_serial"]:
        return "unknown merchant or serial"
    if not fields["timestamp"].isdigit() or abs(now - int(fields["timestamp"])) > MAX_SKEW_S:
        return "timestamp is more than 5 minutes away"
    message = f"{method}\n{target}\n{fields['timestamp']}\n{fields['nonce_str']}\n".encode()
    try:
        keys.merchant_key.public_key().verify(
            base64.b64decode(fields["signature"]),
            message + body + b"\n",
            padding.PKCS1v15(),
            hashes.SHA256(),
        )
    except (InvalidSignature, ValueError):
        return "signature does not fit the request"
    return None


def encrypt_resource(
    api_v3_key: str, plain: dict[str, Any], *, associated_data: str, original_type: str
) -> dict[str, str]:
    """Return the ``resource`` of a callback."""
    nonce = secrets.token_hex(6)
    data = json.dumps(plain, ensure_ascii=False).encode()
    sealed = AESGCM(api_v3_key.encode()).encrypt(nonce.encode(), data, associated_data.encode())
    return {
        "original_type": original_type,
        "algorithm": "AEAD_AES_256_GCM",
        "ciphertext": base64.b64encode(sealed).decode(),
        "associated_data": associated_data,
        "nonce": nonce,
    }
