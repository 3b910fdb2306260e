"""WeChat's side of the signatures, written on its own so that a shared mistake cannot hide."""

from __future__ import annotations

import base64
import datetime as dt
import hashlib
import hmac
import json
import secrets
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

PUBLIC_KEY_ID = "PUB_KEY_ID_0119000000012026000000000001"
MERCHANT_SERIAL = "5A6B7C8D9E0F5A6B7C8D9E0F5A6B7C8D9E0F5A6B"
APP_ID = "wx1234567890abcdef"
APP_SECRET = "secret-of-the-app-that-no-log-may-show"
MCH_ID = "1900000109"
V3_KEY = "0123456789abcdefghijABCDEFGHIJ!!"
V2_KEY = "v2keyv2keyv2keyv2keyv2keyv2key12"


@cache
def make_key(name: str) -> rsa.RSAPrivateKey:
    """Return a key of this test run; the name keeps them apart."""
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


def private_pem(key: rsa.RSAPrivateKey) -> bytes:
    return key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )


def public_pem(key: rsa.RSAPrivateKey) -> bytes:
    return key.public_key().public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )


def make_certificate(key: rsa.RSAPrivateKey, serial: int) -> bytes:
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "Tenpay.com Root CA")])
    now = dt.datetime.now(dt.UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(serial)
        .not_valid_before(now - dt.timedelta(days=1))
        .not_valid_after(now + dt.timedelta(days=1800))
        .sign(key, hashes.SHA256())
        .public_bytes(serialization.Encoding.PEM)
    )


@dataclass
class WechatSide:
    """Signs and encrypts what WeChat would send to this merchant."""

    platform_key: rsa.RSAPrivateKey = field(default_factory=lambda: make_key("platform"))
    merchant_key: rsa.RSAPrivateKey = field(default_factory=lambda: make_key("merchant"))

    def sign_headers(
        self,
        body: bytes,
        at: dt.datetime,
        *,
        serial: str = PUBLIC_KEY_ID,
        key: rsa.RSAPrivateKey | None = None,
    ) -> dict[str, str]:
        timestamp = str(int(at.timestamp()))
        nonce = secrets.token_hex(8)
        message = timestamp.encode() + b"\n" + nonce.encode() + b"\n" + body + b"\n"
        signature = (key or self.platform_key).sign(message, padding.PKCS1v15(), hashes.SHA256())
        return {
            "Wechatpay-Serial": serial,
            "Wechatpay-Signature": base64.b64encode(signature).decode(),
            "Wechatpay-Timestamp": timestamp,
            "Wechatpay-Nonce": nonce,
        }

    def encrypt_resource(self, content: dict[str, Any], key: str = V3_KEY) -> dict[str, str]:
        nonce = secrets.token_hex(6)
        sealed = AESGCM(key.encode()).encrypt(
            nonce.encode(), json.dumps(content).encode(), b"transaction"
        )
        return {
            "algorithm": "AEAD_AES_256_GCM",
            "ciphertext": base64.b64encode(sealed).decode(),
            "associated_data": "transaction",
            "nonce": nonce,
        }

    def v3_notice(
        self,
        content: dict[str, Any],
        *,
        event_type: str = "TRANSACTION.SUCCESS",
        notice_id: str | None = None,
        key: str = V3_KEY,
    ) -> bytes:
        envelope = {
            "id": notice_id or secrets.token_hex(16),
            "create_time": "2026-11-24T10:00:00+08:00",
            "event_type": event_type,
            "resource_type": "encrypt-resource",
            "resource": self.encrypt_resource(content, key),
        }
        return json.dumps(envelope).encode()

    def v3_payment(self, out_trade_no: str, openid: str, **changes: Any) -> dict[str, Any]:
        content: dict[str, Any] = {
            "appid": APP_ID,
            "mchid": MCH_ID,
            "out_trade_no": out_trade_no,
            "transaction_id": "4200" + hashlib.sha256(out_trade_no.encode()).hexdigest()[:24],
            "trade_type": "JSAPI",
            "trade_state": "SUCCESS",
            "success_time": "2026-11-24T10:00:00+08:00",
            "payer": {"openid": openid},
            "amount": {"total": 2000, "payer_total": 2000, "currency": "CNY"},
        }
        return content | changes

    def v2_sign(self, fields: dict[str, str], sign_type: str, key: str = V2_KEY) -> str:
        joined = "&".join(f"{name}={fields[name]}" for name in sorted(fields) if fields[name])
        text = f"{joined}&key={key}".encode()
        if sign_type == "MD5":
            return hashlib.md5(text).hexdigest().upper()  # noqa: S324
        return hmac.new(key.encode(), text, hashlib.sha256).hexdigest().upper()

    def v2_message(
        self, fields: dict[str, str], sign_type: str = "HMAC-SHA256", key: str = V2_KEY
    ) -> bytes:
        signed = fields | {"sign": self.v2_sign(fields, sign_type, key)}
        inner = "".join(f"<{name}><![CDATA[{value}]]></{name}>" for name, value in signed.items())
        return f"<xml>{inner}</xml>".encode()

    def v2_payment(self, out_trade_no: str, openid: str, **changes: str) -> dict[str, str]:
        fields = {
            "appid": APP_ID,
            "mch_id": MCH_ID,
            "nonce_str": secrets.token_hex(8),
            "return_code": "SUCCESS",
            "result_code": "SUCCESS",
            "openid": openid,
            "trade_type": "JSAPI",
            "bank_type": "OTHERS",
            "total_fee": "2000",
            "fee_type": "CNY",
            "transaction_id": "4200" + hashlib.sha256(out_trade_no.encode()).hexdigest()[:24],
            "out_trade_no": out_trade_no,
            "time_end": "20261124100000",
        }
        return fields | changes

    def v2_refund_notice(self, fields: dict[str, str], key: str = V2_KEY) -> bytes:
        inner = "".join(f"<{name}>{value}</{name}>" for name, value in fields.items())
        plain = f"<root>{inner}</root>".encode()
        padded = plain + bytes([16 - len(plain) % 16]) * (16 - len(plain) % 16)
        aes_key = hashlib.md5(key.encode()).hexdigest().encode()  # noqa: S324
        encryptor = Cipher(algorithms.AES(aes_key), modes.ECB()).encryptor()  # noqa: S305
        req_info = base64.b64encode(encryptor.update(padded) + encryptor.finalize()).decode()
        return (
            "<xml><return_code>SUCCESS</return_code>"
            f"<appid>{APP_ID}</appid><mch_id>{MCH_ID}</mch_id><nonce_str>x</nonce_str>"
            f"<req_info><![CDATA[{req_info}]]></req_info></xml>"
        ).encode()


def write_key_files(folder: Path, side: WechatSide) -> dict[str, str]:
    """Write the PEM files and return the settings that point at them."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "merchant.pem").write_bytes(private_pem(side.merchant_key))
    (folder / "platform.pem").write_bytes(public_pem(side.platform_key))
    return {
        "wechat_app_id": APP_ID,
        "wechat_app_secret": APP_SECRET,
        "pay_mch_id": MCH_ID,
        "pay_v3_key": V3_KEY,
        "pay_v2_key": V2_KEY,
        "pay_merchant_serial": MERCHANT_SERIAL,
        "pay_merchant_key_file": str(folder / "merchant.pem"),
        "pay_verify_keys": f"{PUBLIC_KEY_ID}={folder / 'platform.pem'}",
    }
