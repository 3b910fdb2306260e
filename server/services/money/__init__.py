"""How money comes in, is settled exactly once, goes back, and is explained to the last fen."""

from __future__ import annotations

__all__ = ["amounts", "fee", "hold", "lock", "numbers", "waivers"]
