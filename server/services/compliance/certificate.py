"""The certificate of a deletion: digests of what went, which tell nothing, and what stays."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import Any


def digest(kind: str, identifier: str) -> str:
    """Return one line of a certificate: a kind and the digest of an id."""
    return f"{kind} {hashlib.sha256(identifier.encode()).hexdigest()}"


def sum_up(lines: Sequence[str]) -> str:
    """Return the digest over all lines: whoever changes one changes it."""
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()


def is_genuine(certificate: dict[str, Any]) -> bool:
    """Tell whether a certificate's digests are those that it was made with."""
    known: str = certificate.get("sha256", "")
    return known == sum_up(certificate.get("digests", []))
