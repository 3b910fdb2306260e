"""What the law asks of a college beside its work: assessments, counted faces, periods, drills."""

from __future__ import annotations

__all__ = [
    "assessments",
    "certificate",
    "kept_by_law",
    "kept_years",
    "period",
    "periods",
    "privacy_page",
    "stored_faces",
]
