"""Staff accounts: created, signed in, secured, and what they did."""

from __future__ import annotations

__all__ = [
    "accounts",
    "change_account",
    "create",
    "list_audit",
    "note_reads",
    "policy",
    "second_factor",
    "sign_in",
]
