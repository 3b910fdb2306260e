"""Photos on paper: sheets to cut, in exact millimetres, and contact sheets for a look."""

from __future__ import annotations

__all__ = ["jobs", "order", "paper", "photos", "sheet"]
