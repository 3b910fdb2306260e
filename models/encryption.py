"""Encryption of single fields, and the keyed index that finds them again.

AES-256-GCM with a random 96-bit nonce for each value. The associated data names table, column and
row, so a ciphertext that is copied to another row or column does not decrypt there.

Stored form: ``1 byte version | 1 byte length of key id | key id | 12 byte nonce | ciphertext+tag``.
"""

from __future__ import annotations

import hashlib
import hmac
import os
from collections.abc import Mapping

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

VERSION = 1
KEY_BYTES = 32
NONCE_BYTES = 12


class FieldUnreadable(Exception):
    """The stored bytes cannot be decrypted: unknown key, other row, or damaged."""


def describe_place(table: str, column: str, row_id: object) -> bytes:
    """Return the associated data for one field of one row."""
    return f"{table}.{column}:{row_id}".encode()


class FieldCipher:
    """Encrypts with the first key, decrypts with any of them, and computes look-up indexes.

    Args:
        keys: key id to 32 bytes; the first encrypts.
        index_key: 32 bytes for the HMAC-SHA256 index. It cannot rotate without a re-index.
    """

    def __init__(self, keys: Mapping[str, bytes], index_key: bytes) -> None:
        if not keys:
            raise ValueError("no field key")
        for key_id, key in keys.items():
            if len(key) != KEY_BYTES:
                raise ValueError(f"field key {key_id} is not {KEY_BYTES} bytes")
        if len(index_key) != KEY_BYTES:
            raise ValueError(f"index key is not {KEY_BYTES} bytes")
        self._ciphers = {key_id: AESGCM(key) for key_id, key in keys.items()}
        self.current_key_id = next(iter(keys))
        self._index_key = index_key
        self._fingerprints = {key_id: _fingerprint(key) for key_id, key in keys.items()}

    def encrypt(self, plaintext: str | bytes, *, place: bytes) -> bytes:
        """Return the stored form of ``plaintext`` for the field named by ``place``."""
        data = plaintext.encode() if isinstance(plaintext, str) else plaintext
        key_id = self.current_key_id.encode()
        nonce = os.urandom(NONCE_BYTES)
        sealed = self._ciphers[self.current_key_id].encrypt(nonce, data, place)
        return bytes([VERSION, len(key_id)]) + key_id + nonce + sealed

    def decrypt_bytes(self, stored: bytes, *, place: bytes) -> bytes:
        """Return the plaintext bytes; raises FieldUnreadable."""
        key_id, rest = _split_header(stored)
        cipher = self._ciphers.get(key_id)
        if cipher is None:
            raise FieldUnreadable(f"no key {key_id!r}")
        try:
            return cipher.decrypt(rest[:NONCE_BYTES], rest[NONCE_BYTES:], place)
        except (InvalidTag, ValueError) as error:
            raise FieldUnreadable("authentication failed") from error

    def decrypt(self, stored: bytes, *, place: bytes) -> str:
        """Return the plaintext as text; raises FieldUnreadable."""
        return self.decrypt_bytes(stored, place=place).decode()

    def is_current(self, stored: bytes) -> bool:
        """Tell whether the stored form uses the key that encrypts now."""
        return _split_header(stored)[0] == self.current_key_id

    def fingerprint(self, key_id: str) -> str | None:
        """Return what tells a field key from another without telling the key; None: not here."""
        return self._fingerprints.get(key_id)

    def fingerprint_index_key(self) -> str:
        """Return the same for the index key."""
        return _fingerprint(self._index_key)

    def index(self, value: str, *, purpose: str) -> bytes:
        """Return the 32-byte keyed index of ``value``; equal values of one purpose are equal."""
        return hmac.new(self._index_key, f"{purpose}:{value}".encode(), hashlib.sha256).digest()


def read_key_id(stored: bytes) -> str:
    """Return the id of the key that a stored field needs; raises FieldUnreadable."""
    return _split_header(stored)[0]


def _fingerprint(key: bytes) -> str:
    return hmac.new(key, b"caiji key fingerprint", hashlib.sha256).hexdigest()[:32]


def _split_header(stored: bytes) -> tuple[str, bytes]:
    header_bytes = 2
    if len(stored) < header_bytes or stored[0] != VERSION:
        raise FieldUnreadable("unknown form")
    end = header_bytes + stored[1]
    return stored[header_bytes:end].decode("ascii", "replace"), stored[end:]
