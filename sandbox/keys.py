"""Keys of the simulated WeChat: made once in the data folder, then always the same."""

from __future__ import annotations

import datetime as dt
import functools
import json
import secrets
import string
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, generate_private_key
from cryptography.x509.oid import NameOID

LETTERS = string.ascii_letters + string.digits
CERTIFICATE_YEARS = 5


@dataclass(frozen=True)
class KeySet:
    """Everything that merchant and platform know of each other. ``stored`` is the JSON on disk."""

    stored: dict[str, Any]

    @property
    def app_id(self) -> str:
        """The mini-program."""
        return str(self.stored["app_id"])

    @property
    def mch_id(self) -> str:
        """The merchant."""
        return str(self.stored["mch_id"])

    @property
    def merchant_key(self) -> RSAPrivateKey:
        """The merchant's private key; its public half verifies requests."""
        return load_key(self.stored["merchant_private_key"])

    def choose_signing(self, wanted_serial: str = "") -> tuple[str, RSAPrivateKey]:
        """Return serial and key to sign with: the wanted one if it is ours, else the active one."""
        private_keys = self.stored["platform_private_keys"]
        serial = wanted_serial if wanted_serial in private_keys else self.stored["active_serial"]
        return serial, load_key(private_keys[serial])

    @property
    def certificate_serial(self) -> str:
        """The platform certificate, for merchants that do not know the public key."""
        return self.list_certificates()[0][0]

    def list_certificates(self) -> list[tuple[str, str, x509.Certificate]]:
        """Return serial, PEM and content of every platform certificate."""
        return [
            (serial, pem, x509.load_pem_x509_certificate(pem.encode()))
            for serial, pem in self.stored["verify_keys"].items()
            if "BEGIN CERTIFICATE" in pem
        ]

    def describe(self) -> dict[str, Any]:
        """Return what ``/control/keys`` shows: all that a stranger's client needs."""
        names = (
            "app_id",
            "app_secret",
            "mch_id",
            "api_v3_key",
            "api_v2_key",
            "merchant_serial",
            "merchant_private_key",
            "verify_keys",
        )
        return {name: self.stored[name] for name in names}


@functools.cache
def load_key(pem: str) -> RSAPrivateKey:
    """Return the RSA key of a PEM text; reading one checks its primes, which takes a while."""
    key = serialization.load_pem_private_key(pem.encode(), None)
    if not isinstance(key, RSAPrivateKey):
        raise TypeError("not an RSA key")
    return key


def load_or_create_keys(folder: Path) -> KeySet:
    """Return the keys of ``folder``, making them when they are not there yet."""
    path = folder / "keys.json"
    if not path.exists():
        folder.mkdir(parents=True, exist_ok=True)
        save_keys(folder, _create())
    return KeySet(json.loads(path.read_text()))


def save_keys(folder: Path, stored: dict[str, Any]) -> None:
    """Write the keys so that only their owner can read them."""
    path = folder / "keys.json"
    temporary = path.with_suffix(".new")
    temporary.unlink(missing_ok=True)
    temporary.touch(mode=0o600)
    temporary.write_text(json.dumps(stored, indent=1))
    temporary.replace(path)


def _create() -> dict[str, Any]:
    public_id = "PUB_KEY_ID_01" + "".join(secrets.choice(string.digits) for _ in range(24))
    public_key = generate_private_key(65537, 2048)
    certificate_key = generate_private_key(65537, 2048)
    certificate = _make_certificate(certificate_key)
    certificate_serial = f"{certificate.serial_number:040X}"
    return {
        "app_id": "wxsandbox" + secrets.token_hex(4),
        "app_secret": secrets.token_hex(16),
        "mch_id": "19" + "".join(secrets.choice(string.digits) for _ in range(8)),
        "api_v3_key": "".join(secrets.choice(LETTERS) for _ in range(32)),
        "api_v2_key": "".join(secrets.choice(LETTERS) for _ in range(32)),
        "merchant_serial": secrets.token_hex(20).upper(),
        "merchant_private_key": _to_pem(generate_private_key(65537, 2048)),
        "active_serial": public_id,
        "platform_private_keys": {
            public_id: _to_pem(public_key),
            certificate_serial: _to_pem(certificate_key),
        },
        "verify_keys": {
            public_id: _to_public_pem(public_key),
            certificate_serial: certificate.public_bytes(serialization.Encoding.PEM).decode(),
        },
    }


def rotate_keys(folder: Path) -> KeySet:
    """Sign with the other platform key from now on; both stay valid for verification."""
    keys = load_or_create_keys(folder)
    others = [s for s in keys.stored["platform_private_keys"] if s != keys.stored["active_serial"]]
    stored = {**keys.stored, "active_serial": others[0]}
    save_keys(folder, stored)
    return KeySet(stored)


def _make_certificate(key: RSAPrivateKey) -> x509.Certificate:
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Simulated WeChat Pay platform")])
    now = dt.datetime.now(dt.UTC)
    # The top bits stay set, so that the serial has 40 hexadecimal digits.
    serial = int.from_bytes(b"\x5f" + secrets.token_bytes(19), "big")
    return (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(serial)
        .not_valid_before(now - dt.timedelta(days=1))
        .not_valid_after(now + dt.timedelta(days=365 * CERTIFICATE_YEARS))
        .sign(key, hashes.SHA256())
    )


def _to_pem(key: RSAPrivateKey) -> str:
    return key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    ).decode()


def _to_public_pem(key: RSAPrivateKey) -> str:
    return (
        key.public_key()
        .public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
        .decode()
    )
