"""How money goes back, and what finance does with a refund."""

from __future__ import annotations

__all__ = ["answer", "ask", "book", "manage", "refund"]
