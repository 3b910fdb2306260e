"""Judges and standardises one ID photo. Knows no web server, no database, no WeChat.

Importing this package is cheap: Pillow, OpenCV and dlib are loaded when the first photo arrives.
"""

import sys
from importlib import import_module
from types import ModuleType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from imagecheck.advice import choose_first
    from imagecheck.annotate import annotate
    from imagecheck.check import check
    from imagecheck.examine import Examination, examine
    from imagecheck.report import Finding, Report
    from imagecheck.standardise import standardise

__all__ = [
    "Examination",
    "Finding",
    "Report",
    "annotate",
    "check",
    "choose_first",
    "examine",
    "standardise",
]

_HOMES = {
    "Examination": "imagecheck.examine",
    "Finding": "imagecheck.report",
    "Report": "imagecheck.report",
    "annotate": "imagecheck.annotate",
    "check": "imagecheck.check",
    "choose_first": "imagecheck.advice",
    "examine": "imagecheck.examine",
    "standardise": "imagecheck.standardise",
}


def __getattr__(name: str) -> Any:
    """Load a public name from its module at first use."""
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_HOMES[name]), name)


class _Door(ModuleType):
    """Keeps ``imagecheck.check`` the function when the module ``imagecheck.check`` is imported.

    The import system writes every submodule into its package; the public functions bear the names
    of their modules and would be hidden by them.
    """

    def __setattr__(self, name: str, value: object) -> None:
        if name not in _HOMES:
            super().__setattr__(name, value)


sys.modules[__name__].__class__ = _Door
