"""``flask privacy``: how long every field is kept, as docs/privacy.md shows it."""

from __future__ import annotations

import click
from flask import Flask

from server.services.compliance.privacy_page import write_privacy_page


def register(app: Flask) -> None:
    """Add the command to the application."""

    @app.cli.command("privacy")
    def privacy() -> None:
        """Print the period of every field that tells of a person, in Markdown."""
        click.echo(write_privacy_page())
