"""Passwords of staff: argon2id hashes (RFC 9106, second recommended option)."""

from __future__ import annotations

import secrets

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

MIN_LENGTH = 10
ONE_TIME_LENGTH = 14
# Without letters and digits that are read as one another.
ALPHABET = "abcdefghijkmnpqrstuvwxyzABCDEFGHJKLMNPQRSTUVWXYZ23456789"

_hasher = PasswordHasher(time_cost=3, memory_cost=65_536, parallelism=1)


def hash_password(password: str) -> str:
    """Return the argon2id hash of ``password`` with its parameters and salt."""
    return _hasher.hash(password)


def is_password_right(password_hash: str, password: str) -> bool:
    """Tell whether ``password`` belongs to the hash."""
    try:
        return _hasher.verify(password_hash, password)
    except (VerificationError, InvalidHashError):
        return False


def create_password() -> str:
    """Return a random one-time password (about 80 bits)."""
    return "".join(secrets.choice(ALPHABET) for _ in range(ONE_TIME_LENGTH))
