"""The two addresses that WeChat Pay calls."""

from __future__ import annotations

from server.pay.callbacks import create_blueprint

__all__ = ["create_blueprint"]
