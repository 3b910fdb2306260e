"""``flask doctor``: one line a check, exit status 1 when something is wrong."""

from __future__ import annotations

import click
from flask import Flask

from server.cli import open_context
from server.doctor import examine


def register(app: Flask) -> None:
    """Add the command to the application."""

    @app.cli.command("doctor")
    def doctor() -> None:
        """Check the configuration and the outside world."""
        has_failed = False
        for finding in examine(open_context()):
            mark = "ok  " if finding.is_ok else "FAIL"
            click.echo(f"{mark} {finding.name}: {finding.detail}")
            has_failed = has_failed or not finding.is_ok
        if has_failed:
            raise SystemExit(1)
