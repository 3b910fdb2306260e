"""Templates are compiled once for all processes of a run and for the next one, as modules are."""

from __future__ import annotations

import sys
from pathlib import Path

from flask import Flask
from jinja2 import FileSystemBytecodeCache


def share_templates() -> None:
    """Keep them where compiled modules are kept, if that is a folder of their own."""
    if sys.pycache_prefix:
        folder = Path(sys.pycache_prefix) / "templates"
        folder.mkdir(parents=True, exist_ok=True)
        Flask.jinja_options = {"bytecode_cache": FileSystemBytecodeCache(str(folder))}
