"""What a student may ask of us: to agree and to take it back, a copy, correction, deletion."""

from __future__ import annotations

__all__ = ["carry_out", "change_consent", "copy", "in_person", "requests"]
