"""What students are told in WeChat: queued in the transaction that causes it, sent later."""

from __future__ import annotations

__all__ = ["outbox", "reasons", "sms", "tell_student"]
