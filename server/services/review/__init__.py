"""How staff judge a photo: queue, page, decision, correction."""

from __future__ import annotations

__all__ = [
    "automatic",
    "correct",
    "decide",
    "nudge",
    "queue",
    "sheet",
    "sheet_doubts",
    "undo_sheet",
    "view",
]
