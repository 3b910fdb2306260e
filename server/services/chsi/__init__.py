"""The student's 图像采集码: taken as text or picture, waived, drawn again for who collects."""

from __future__ import annotations

__all__ = ["draw", "end", "keep", "overview", "read_apart", "state", "symbol", "waive"]
