"""The WSGI entry point: ``gunicorn wsgi:app``."""

from __future__ import annotations

import sys

from server.app import create_app
from server.settings import SettingsInvalid

GUNICORN_APP_LOAD_ERROR = 4
"""Tells gunicorn's master to end instead of starting the worker again and again."""

try:
    app = create_app()
except SettingsInvalid as error:
    print(f"caiji: {error}", file=sys.stderr)  # noqa: T201 - the one line for the operator
    raise SystemExit(GUNICORN_APP_LOAD_ERROR) from None
