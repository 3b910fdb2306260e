"""The family of errors that people see.

Services raise them, views do not catch them, and each surface has one renderer. A concrete class
lives beside the service that raises it and is named for the fact. Messages are Chinese, safe to
show, and never carry personal data.
"""

from __future__ import annotations

from typing import Any, ClassVar


class CaijiError(Exception):
    """Base of all errors with a stable code, an HTTP status and a message for people."""

    code: ClassVar[str] = "error"
    status: ClassVar[int] = 400
    message: ClassVar[str] = "请求无法完成"

    def __init__(
        self,
        message: str | None = None,
        *,
        retry_after_s: int | None = None,
        data: dict[str, Any] | None = None,
    ) -> None:
        self.shown_message = message or self.message
        self.retry_after_s = retry_after_s
        self.data = data or {}
        """What a client needs to go on, beside the message: ``data`` of the API's error body."""
        super().__init__(self.shown_message)


class NotFound(CaijiError):
    """It does not exist, or it is not yours: the answer is the same."""

    code = "not_found"
    status = 404
    message = "没有找到"


class ServiceBusy(CaijiError):
    """A temporary shortage; the client should come back."""

    code = "busy"
    status = 503
    message = "系统繁忙，请稍后再试"

    def __init__(self, message: str | None = None, *, retry_after_s: int = 5) -> None:
        super().__init__(message, retry_after_s=retry_after_s)
