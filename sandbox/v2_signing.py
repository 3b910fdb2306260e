"""Signatures and encryption of pay v2, from the platform's side (WECHAT §3)."""

from __future__ import annotations

import base64
import hashlib
import hmac

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.padding import PKCS7

MD5 = "MD5"
HMAC = "HMAC-SHA256"
SIGN_TYPES = (MD5, HMAC)


def sign_fields(fields: dict[str, str], api_key: str, sign_type: str) -> str:
    """Return the signature over all fields that are not empty, sorted by name."""
    named = [f"{name}={fields[name]}" for name in sorted(fields) if fields[name] and name != "sign"]
    message = "&".join([*named, f"key={api_key}"]).encode()
    if sign_type == HMAC:
        return hmac.new(api_key.encode(), message, hashlib.sha256).hexdigest().upper()
    return hashlib.md5(message, usedforsecurity=False).hexdigest().upper()


def is_signed(fields: dict[str, str], api_key: str) -> bool:
    """Tell whether ``sign`` fits the fields under the sign type that they name (default MD5)."""
    sign_type = fields.get("sign_type") or MD5
    if sign_type not in SIGN_TYPES:
        return False
    wanted = sign_fields(fields, api_key, sign_type)
    return hmac.compare_digest(wanted.encode(), fields.get("sign", "").encode())


def encrypt_refund(plain: bytes, api_key: str) -> str:
    """Return ``req_info``: AES-256-ECB under the lower-case hexadecimal MD5 of the key, base64."""
    key = hashlib.md5(api_key.encode(), usedforsecurity=False).hexdigest().encode()
    padder = PKCS7(128).padder()
    # ECB is what WeChat defines for this one message.
    encryptor = Cipher(algorithms.AES(key), modes.ECB()).encryptor()  # noqa: S305 - see above
    sealed = encryptor.update(padder.update(plain) + padder.finalize()) + encryptor.finalize()
    return base64.b64encode(sealed).decode()
