"""``flask rotate-keys``: new keys for what is encrypted."""

from __future__ import annotations

import click
from flask import Flask

from models import FieldUnreadable
from server.cli import open_context, show_errors
from server.cli.bars import show_bars
from server.services.upkeep.rotate_keys import rebuild_indexes, rotate_keys


def register(app: Flask) -> None:
    """Add the command to the application."""

    @app.cli.command("rotate-keys")
    @click.option("--index", "is_index", is_flag=True, help="Rebuild look-ups for a new INDEX_KEY.")
    @show_errors
    def rotate(*, is_index: bool) -> None:
        """Encrypt every field with the first of FIELD_KEYS, while the service runs.

        With --index, compute the look-ups of ID numbers and openids anew: only with web and
        worker stopped, after INDEX_KEY was changed.
        """
        ctx = open_context()
        with show_bars() as progress:
            if is_index:
                try:
                    click.echo(f"{rebuild_indexes(ctx, progress)} look-ups rebuilt")
                except FieldUnreadable as error:
                    raise click.ClickException(f"nothing was changed: {error}") from None
                return
            done = rotate_keys(ctx, progress)
        click.echo(
            f"{done.rewritten} rewritten, {done.current} were current, "
            f"{done.unreadable} cannot be read with any key of FIELD_KEYS"
        )
        if done.unreadable:
            raise SystemExit(1)
