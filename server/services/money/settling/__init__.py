"""How a payment becomes settled, whoever reports it and how often."""

from __future__ import annotations

__all__ = ["receive_notice", "settle"]
