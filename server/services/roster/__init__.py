"""How a name list comes in: read apart, planned, confirmed, written."""

from __future__ import annotations

__all__ = ["columns", "jobs", "judge", "plan", "read_apart", "template", "uploads", "write"]
