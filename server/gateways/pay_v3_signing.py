"""Signatures of WeChat Pay v3: ours on requests, theirs on answers and callbacks.

Source of the formats: WeChat Pay API v3 documents, "签名生成" and "签名验证".
"""

from __future__ import annotations

import re
import secrets
from base64 import b64decode, b64encode
from binascii import Error as Base64Error
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, RSAPublicKey
from cryptography.hazmat.primitives.hashes import SHA256

from server.gateways.pay import SignatureInvalid

MAX_CLOCK_DIFFERENCE_S = 300  # from this many seconds on a signature is stale (WeChat's rule)
PROBE_PREFIX = "WECHATPAY/SIGNTEST/"
PUBLIC_KEY_PREFIX = "PUB_KEY_ID_"
TIMESTAMP = re.compile(r"[0-9]{1,12}", re.ASCII)


def make_nonce() -> str:
    """Return 32 random characters of `[0-9A-F]`."""
    return secrets.token_hex(16).upper()


def sign(private_key: RSAPrivateKey, message: bytes) -> str:
    """Return the base64 of SHA256-RSA (PKCS#1 v1.5) over `message`."""
    return b64encode(private_key.sign(message, PKCS1v15(), SHA256())).decode()


@dataclass(frozen=True, slots=True)
class RequestSigner:
    """Signs as one merchant: number, serial of the merchant certificate, its private key."""

    mch_id: str
    serial: str
    private_key: RSAPrivateKey

    def authorization(
        self, method: str, path_and_query: str, body: bytes, now: datetime, nonce: str = ""
    ) -> str:
        """Return the Authorization header for exactly these bytes."""
        nonce = nonce or make_nonce()
        timestamp = str(int(now.timestamp()))
        head = f"{method}\n{path_and_query}\n{timestamp}\n{nonce}\n".encode()
        signature = sign(self.private_key, head + body + b"\n")
        return (
            f'WECHATPAY2-SHA256-RSA2048 mchid="{self.mch_id}",nonce_str="{nonce}",'
            f'signature="{signature}",timestamp="{timestamp}",serial_no="{self.serial}"'
        )

    def payment_parameters(
        self, app_id: str, prepay_id: str, now: datetime, nonce: str = ""
    ) -> dict[str, str]:
        """Return the arguments of wx.requestPayment, all strings."""
        nonce = nonce or make_nonce()
        timestamp = str(int(now.timestamp()))
        package = f"prepay_id={prepay_id}"
        message = f"{app_id}\n{timestamp}\n{nonce}\n{package}\n".encode()
        return {
            "timeStamp": timestamp,
            "nonceStr": nonce,
            "package": package,
            "signType": "RSA",
            "paySign": sign(self.private_key, message),
        }


class SignatureVerifier:
    """Checks WeChat's signatures with the keys we were configured with, and never asks for more.

    Args:
        keys: serial (`PUB_KEY_ID_…` of a public key, hex of a platform certificate) to key. Several
            at once let WeChat move from one to the other without a gap.
    """

    def __init__(self, keys: Mapping[str, RSAPublicKey]) -> None:
        self._keys = dict(keys)

    @property
    def public_key_id(self) -> str:
        """Our first WeChat Pay public key id, or nothing when only certificates are configured."""
        return next((serial for serial in self._keys if serial.startswith(PUBLIC_KEY_PREFIX)), "")

    def verify(self, headers: Mapping[str, str], raw_body: bytes, now: datetime) -> None:
        """Accept `raw_body` or raise `SignatureInvalid`; looks at nothing inside the body."""
        lower = {name.lower(): value for name, value in headers.items()}
        signature = lower.get("wechatpay-signature", "")
        timestamp = lower.get("wechatpay-timestamp", "")
        nonce = lower.get("wechatpay-nonce", "")
        if not signature or not nonce:
            raise SignatureInvalid("signature headers are missing")
        is_probe = signature.startswith(PROBE_PREFIX)
        self._check_age(timestamp, now)
        key = self._keys.get(lower.get("wechatpay-serial", ""))
        if key is None:
            raise SignatureInvalid("signed with a key that is not configured", is_probe=is_probe)
        message = f"{timestamp}\n{nonce}\n".encode() + raw_body + b"\n"
        try:
            key.verify(b64decode(signature, validate=True), message, PKCS1v15(), SHA256())
        except (InvalidSignature, Base64Error, ValueError):
            raise SignatureInvalid("the signature is wrong", is_probe=is_probe) from None

    @staticmethod
    def _check_age(timestamp: str, now: datetime) -> None:
        if not TIMESTAMP.fullmatch(timestamp):
            raise SignatureInvalid("the timestamp is no number")
        if abs(int(now.timestamp()) - int(timestamp)) >= MAX_CLOCK_DIFFERENCE_S:
            raise SignatureInvalid("the timestamp is too far from our clock")
