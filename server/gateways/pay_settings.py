"""Turns the payment settings into keys and a gateway, and refuses bad ones by name.

Several values at once make rotation possible without a gap: `PAY_V3_KEY` and `PAY_V2_KEY` take
old and new separated by a comma (the first one signs), `PAY_VERIFY_KEYS` any number of pairs.
"""

from __future__ import annotations

import functools
import re
import ssl
from collections.abc import Callable
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, RSAPublicKey
from cryptography.hazmat.primitives.asymmetric.types import PrivateKeyTypes
from cryptography.hazmat.primitives.serialization import (
    load_pem_private_key,
    load_pem_public_key,
)

from server.gateways.clock import Clock
from server.gateways.pay import PayGateway
from server.gateways.pay_v2 import PayV2Gateway, PayV2Identity
from server.gateways.pay_v2_signing import PayV2Signer
from server.gateways.pay_v3 import PayV3Gateway, PayV3Identity
from server.gateways.pay_v3_signing import PUBLIC_KEY_PREFIX, RequestSigner, SignatureVerifier
from server.gateways.transport import Transport
from server.settings import PREFIX, Settings, SettingsInvalid

V3_KEY_BYTES = 32
MIN_V2_KEY_LENGTH = 16
MIN_RSA_BITS = 2048
APP_ID = re.compile(r"[0-9A-Za-z_-]{4,64}")
MCH_ID = re.compile(r"[0-9]{6,32}")
HEX_SERIAL = re.compile(r"[0-9A-Fa-f]{8,64}")
PUBLIC_KEY_SERIAL = re.compile(PUBLIC_KEY_PREFIX + r"[0-9A-Za-z_]{1,64}")
NOTIFY_PATH = "/pay/notify/"


def check_pay_settings(settings: Settings) -> None:
    """Raise `SettingsInvalid`, one line naming the setting, unless payment can work."""
    for check in list_pay_checks(settings):
        check(settings)


def list_pay_checks(settings: Settings) -> list[Callable[[Settings], object]]:
    """Return the checks of payment settings, each for itself: each raises `SettingsInvalid`."""
    if settings.pay_version == "v2":
        chosen: list[Callable[[Settings], object]] = [_read_v2_signer, _check_v2_certificate]
    else:
        chosen = [read_v3_keys, _check_serial, _read_merchant_key, read_verify_keys]
    return [_check_app_id, _check_app_secret, _check_mch_id, notify_url, *chosen]


def _check_app_id(settings: Settings) -> None:
    if not APP_ID.fullmatch(settings.wechat_app_id):
        raise invalid("WECHAT_APP_ID", "is empty or malformed")


def _check_app_secret(settings: Settings) -> None:
    if not settings.wechat_app_secret.strip():
        raise invalid("WECHAT_APP_SECRET", "is empty")


def _check_mch_id(settings: Settings) -> None:
    if not MCH_ID.fullmatch(settings.pay_mch_id):
        raise invalid("PAY_MCH_ID", "is empty or not a merchant number")


def _check_serial(settings: Settings) -> None:
    if not HEX_SERIAL.fullmatch(settings.pay_merchant_serial):
        raise invalid("PAY_MERCHANT_SERIAL", "is empty or not hexadecimal")


def _read_merchant_key(settings: Settings) -> RSAPrivateKey:
    pem = read_file("PAY_MERCHANT_KEY_FILE", settings.pay_merchant_key_file)
    try:
        key = _parse_private_key(pem)
    except (ValueError, TypeError):
        raise invalid("PAY_MERCHANT_KEY_FILE", "holds no private key in PEM form") from None
    if not isinstance(key, RSAPrivateKey) or key.key_size < MIN_RSA_BITS:
        raise invalid("PAY_MERCHANT_KEY_FILE", f"is no RSA key of {MIN_RSA_BITS} bits")
    return key


@functools.lru_cache(maxsize=2)
def _parse_private_key(pem: bytes) -> PrivateKeyTypes:
    """Proving the primes of a key takes a tenth of a second: once for each, not once a question."""
    return load_pem_private_key(pem, password=None)


def build_pay_gateway(settings: Settings, clock: Clock) -> PayGateway:
    """Return the gateway of the configured version; raises `SettingsInvalid`."""
    check_pay_settings(settings)
    if settings.pay_version == "v2":
        transport = Transport(settings.pay_api_url, cert_file=settings.pay_v2_cert_file)
        identity_v2 = PayV2Identity(
            app_id=settings.wechat_app_id,
            mch_id=settings.pay_mch_id,
            notify_url=notify_url(settings),
            signer=_read_v2_signer(settings),
        )
        return PayV2Gateway(identity_v2, transport)
    identity = PayV3Identity(
        app_id=settings.wechat_app_id,
        mch_id=settings.pay_mch_id,
        notify_url=notify_url(settings),
        signer=_read_request_signer(settings),
        verifier=SignatureVerifier(read_verify_keys(settings)),
        api_keys=read_v3_keys(settings),
    )
    return PayV3Gateway(identity, Transport(settings.pay_api_url), clock)


def notify_url(settings: Settings) -> str:
    """Return the whole address of our callback; a setting without a path gets the usual one."""
    parts = urlsplit(settings.pay_notify_url)
    if not parts.hostname:
        raise invalid("PAY_NOTIFY_URL", "is empty or no address")
    if parts.query or parts.fragment:
        # WeChat's rule: the address must not carry parameters
        raise invalid("PAY_NOTIFY_URL", "must not carry parameters")
    if parts.path in {"", "/"}:
        parts = parts._replace(path=NOTIFY_PATH + settings.pay_version)
    return urlunsplit(parts)


def read_v3_keys(settings: Settings) -> list[bytes]:
    """Return the APIv3 keys, 32 bytes each."""
    whole = settings.pay_v3_key.encode()
    if len(whole) == V3_KEY_BYTES:
        return [whole]
    keys = [part.strip() for part in whole.split(b",") if part.strip()]
    if not keys:
        raise invalid("PAY_V3_KEY", "is empty")
    if any(len(key) != V3_KEY_BYTES for key in keys):
        raise invalid("PAY_V3_KEY", f"is not {V3_KEY_BYTES} bytes long")
    return keys


def _read_v2_signer(settings: Settings) -> PayV2Signer:
    """Return the signer for v2."""
    keys = [part.strip() for part in settings.pay_v2_key.split(",")]
    if not all(keys):
        raise invalid("PAY_V2_KEY", "is empty")
    if any(len(key) < MIN_V2_KEY_LENGTH or not key.isascii() for key in keys):
        raise invalid("PAY_V2_KEY", "is malformed, expected 32 letters and digits")
    return PayV2Signer(keys, settings.pay_v2_sign_type)


def _check_v2_certificate(settings: Settings) -> None:
    """Refuse a certificate that would only fail at the first refund; without one is allowed."""
    path = settings.pay_v2_cert_file
    if not path:
        return
    read_file("PAY_V2_CERT_FILE", path)
    try:
        ssl.create_default_context().load_cert_chain(path)
    except (ssl.SSLError, ValueError):
        raise invalid("PAY_V2_CERT_FILE", "holds no certificate with its key in PEM form") from None


def _read_request_signer(settings: Settings) -> RequestSigner:
    """Return the signer for our v3 requests."""
    _check_serial(settings)
    key = _read_merchant_key(settings)
    return RequestSigner(settings.pay_mch_id, settings.pay_merchant_serial, key)


def read_verify_keys(settings: Settings) -> dict[str, RSAPublicKey]:
    """Return serial to public key for every `serial=path.pem`."""
    keys: dict[str, RSAPublicKey] = {}
    for part in filter(None, (part.strip() for part in settings.pay_verify_keys.split(","))):
        serial, separator, path = part.partition("=")
        if not separator or serial in keys:
            raise invalid("PAY_VERIFY_KEYS", "expected distinct serial=path.pem, comma-separated")
        keys[serial] = _read_verify_key(serial, path)
    if not keys:
        raise invalid("PAY_VERIFY_KEYS", "is empty, expected serial=path.pem")
    return keys


def _read_verify_key(serial: str, path: str) -> RSAPublicKey:
    """Return one verification key; a certificate must carry the serial that it is listed under."""
    pem = read_file("PAY_VERIFY_KEYS", path)
    is_certificate = b"BEGIN CERTIFICATE" in pem
    pattern = HEX_SERIAL if is_certificate else PUBLIC_KEY_SERIAL
    if not pattern.fullmatch(serial):
        raise invalid("PAY_VERIFY_KEYS", f"{serial[:20]} is no serial of such a key")
    try:
        if is_certificate:
            certificate = x509.load_pem_x509_certificate(pem)
            if certificate.serial_number != int(serial, 16):
                raise invalid("PAY_VERIFY_KEYS", f"{serial[:20]} is not that certificate's serial")
            key = certificate.public_key()
        else:
            key = load_pem_public_key(pem)  # type: ignore[assignment]
    except ValueError:
        raise invalid("PAY_VERIFY_KEYS", f"{path} holds no key in PEM form") from None
    if not isinstance(key, RSAPublicKey) or key.key_size < MIN_RSA_BITS:
        raise invalid("PAY_VERIFY_KEYS", f"{path} is no RSA key of {MIN_RSA_BITS} bits")
    return key


def read_file(name: str, path: str) -> bytes:
    """Return the bytes of a key file."""
    if not path:
        raise invalid(name, "is empty")
    try:
        return Path(path).read_bytes()
    except OSError as error:
        raise invalid(name, f"cannot read {path}: {error.strerror}") from None


def invalid(name: str, reason: str) -> SettingsInvalid:
    """Return the error whose one line names the setting."""
    return SettingsInvalid(f"{PREFIX}{name}: {reason}")
