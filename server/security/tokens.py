"""Random bearer tokens, of which only the hash is kept."""

from __future__ import annotations

import hashlib
import secrets

TOKEN_BYTES = 32


def create_token() -> str:
    """Return 256 random bits as URL-safe text."""
    return secrets.token_urlsafe(TOKEN_BYTES)


def hash_token(token: str) -> bytes:
    """Return the 32 bytes that are stored for ``token``.

    A plain SHA-256 is enough: the token is random, so there is nothing to guess from its hash.
    """
    return hashlib.sha256(token.encode()).digest()
