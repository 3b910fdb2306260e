"""How our books are held against WeChat's bill and told to the accountants."""

from __future__ import annotations

__all__ = [
    "differences",
    "due_days",
    "explain_differences",
    "ledger",
    "overview",
    "reconcile",
]
