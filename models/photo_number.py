"""照片编号: what a photo is called outside the college. It tells nothing about its person."""

from __future__ import annotations

import secrets

ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
"""Crockford's base 32: no letter that can be read as a digit."""
LENGTH = 12
MISREAD = str.maketrans("OIL", "011")
"""Letters that the alphabet leaves out, as people type them."""


def create_photo_number() -> str:
    """Return a random number of 60 bits: drawn once for an enrolment, unique, never derived."""
    return "".join(secrets.choice(ALPHABET) for _ in range(LENGTH))


def read_photo_number(typed: str) -> str:
    """Return the number that somebody typed, in any case; empty where it is none."""
    number = typed.strip().upper().translate(MISREAD)
    is_one = len(number) == LENGTH and set(number) <= set(ALPHABET)
    # Twelve digits are a 学号: a random number without any letter is one in two million.
    return number if is_one and not number.isdigit() else ""
