"""Judges and standardises one ID photo. Knows no web server, no database, no WeChat.

Importing this package is cheap: Pillow, OpenCV and dlib are loaded when the first photo arrives.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from imagecheck.advice import choose_first
    from imagecheck.answers import annotate, check, standardise
    from imagecheck.examination import Examination, examine
    from imagecheck.profiles.make import Cut, make
    from imagecheck.profiles.photo_profile import PhotoProfile
    from imagecheck.report import Finding, Report

__all__ = [
    "Cut",
    "Examination",
    "Finding",
    "PhotoProfile",
    "Report",
    "annotate",
    "check",
    "choose_first",
    "examine",
    "make",
    "standardise",
]

_HOMES = {
    "Cut": "imagecheck.profiles.make",
    "Examination": "imagecheck.examination",
    "Finding": "imagecheck.report",
    "PhotoProfile": "imagecheck.profiles.photo_profile",
    "Report": "imagecheck.report",
    "annotate": "imagecheck.answers",
    "check": "imagecheck.answers",
    "choose_first": "imagecheck.advice",
    "examine": "imagecheck.examination",
    "make": "imagecheck.profiles.make",
    "standardise": "imagecheck.answers",
}


def __getattr__(name: str) -> Any:
    """Load a public name from its module at first use."""
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_HOMES[name]), name)
