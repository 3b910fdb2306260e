"""The life of an order: opened, asked about, closed, shown."""

from __future__ import annotations

__all__ = ["list_orders", "open_order", "query_order", "receipt", "sync_order"]
