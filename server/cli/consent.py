"""``flask consent``: the text that students agree to."""

from __future__ import annotations

from pathlib import Path

import click
from flask import Flask
from flask.cli import AppGroup
from sqlalchemy import select

from models import ConsentText
from server.cli import open_context, show_errors
from server.services.consent import publish_consent


def register(app: Flask) -> None:
    """Add the commands to the application."""
    group = AppGroup("consent", help="The text that students agree to.")
    app.cli.add_command(group)

    @group.command("publish")
    @click.argument("version")
    @click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
    @show_errors
    def publish(version: str, file: Path) -> None:
        """Publish the text in FILE as VERSION (2026-09, or 2026-09.1 for better words only).

        A new name before the dot asks everybody again before their next photo.
        """
        try:
            text = file.read_text(encoding="utf-8")
        except UnicodeDecodeError:
            raise click.ClickException("the file is not UTF-8") from None
        is_asked_again = publish_consent(open_context(), version, text)
        click.echo(
            f"published {version}" + ("; everybody is asked again" if is_asked_again else "")
        )

    @group.command("list")
    @show_errors
    def list_versions() -> None:
        """Show the versions, the newest last."""
        with open_context().db.read() as session:
            for row in session.scalars(select(ConsentText).order_by(ConsentText.created_at)):
                click.echo(
                    f"{row.version} {row.created_at:%Y-%m-%d %H:%M} {len(row.text)} characters"
                )
