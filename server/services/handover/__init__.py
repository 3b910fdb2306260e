"""What comes back from who collects: a list is read, mapped by hand, and told to the students."""

from __future__ import annotations

__all__ = ["apply_list", "keep_list", "missing"]
