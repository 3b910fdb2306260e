"""采集码: what a photo is called outside the college. It tells nothing about its person."""

from __future__ import annotations

import secrets

ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
"""Crockford's base 32: no letter that can be read as a digit."""
LENGTH = 12


def create_collection_code() -> str:
    """Return a random code of 60 bits: drawn once for an enrolment, unique, never derived."""
    return "".join(secrets.choice(ALPHABET) for _ in range(LENGTH))
