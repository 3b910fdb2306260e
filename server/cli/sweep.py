"""``flask sweep``: one round of the background duties now, after an incident or in a test."""

from __future__ import annotations

import click
from flask import Flask

from server.cli import open_context


def register(app: Flask) -> None:
    """Add the command to the application."""

    @app.cli.command("sweep")
    @click.argument("names", nargs=-1)
    def sweep(names: tuple[str, ...]) -> None:
        """Run the sweepers NAMES once; without names, show which there are."""
        from server.duties import SWEEPERS

        sweepers = {each.name: each for group in SWEEPERS.values() for each in group}
        if not names:
            for name, each in sweepers.items():
                click.echo(f"{name} (every {each.interval_s:g} s)")
        for name in names:
            if name not in sweepers:
                raise click.ClickException(f"no sweeper is called {name}")
            click.echo(f"{name}: {sweepers[name].run(open_context())}")
