"""What staff see at a glance: progress, lists, one student's history, and reminding the missing."""

from __future__ import annotations

__all__ = [
    "behind_figures",
    "dashboard",
    "find_by_number",
    "list_students",
    "missing",
    "photo_numbers",
    "progress",
    "remind",
    "view_student",
    "why_missing",
]
