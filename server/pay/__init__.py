"""The two addresses that WeChat Pay calls."""

from server.pay.callbacks import create_blueprint

__all__ = ["create_blueprint"]
