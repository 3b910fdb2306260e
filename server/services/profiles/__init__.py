"""Which other photos a college needs: its profiles, tried on real photos, and their making."""

from __future__ import annotations

__all__ = ["catalogue", "cut", "plan", "trial"]
