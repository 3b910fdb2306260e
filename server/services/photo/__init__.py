"""The way of one photo from its upload to a verdict that counts."""

from __future__ import annotations

__all__ = [
    "check",
    "end_photos",
    "keep_file",
    "queue_wait",
    "refused",
    "remake",
    "remove_orphans",
    "requeue",
    "same_picture",
    "submit",
    "withdraw",
]
