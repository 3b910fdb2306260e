"""How finance looks at held money and resolves it."""

from __future__ import annotations

__all__ = ["list_held", "resolve"]
