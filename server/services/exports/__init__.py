"""How a batch leaves the house: planned, written in pieces, resumed, fetched."""

from __future__ import annotations

__all__ = ["discard", "left_out", "manage", "plan", "receipts", "run", "scope"]
