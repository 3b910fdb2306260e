"""Amounts are whole fen everywhere; only what people read is yuan."""

from __future__ import annotations


def format_yuan(amount_fen: int) -> str:
    """Return ``20.00`` for 2000: exact, two decimals, no grouping."""
    sign = "-" if amount_fen < 0 else ""
    yuan, fen = divmod(abs(amount_fen), 100)
    return f"{sign}{yuan}.{fen:02d}"
