"""How the simulated WeChat says no; each surface writes it in its own form."""

from __future__ import annotations


class Refused(Exception):
    """WeChat says no: HTTP status (v3) and error code (both)."""

    def __init__(self, status: int, code: str, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.message = message
