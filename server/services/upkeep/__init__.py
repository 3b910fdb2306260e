"""What keeps the house in order: limits of every state, integrity, keys, purging."""

from __future__ import annotations

__all__ = [
    "audit_chain",
    "check_integrity",
    "end_people",
    "heartbeats",
    "purge",
    "rotate_keys",
    "state_limits",
]
