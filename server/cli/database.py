"""``flask db``: the schema."""

from __future__ import annotations

import click
from flask import Flask
from flask.cli import AppGroup

from server.db import Database, head_revision
from server.settings import Settings


def register(app: Flask) -> None:
    """Add the commands to the application."""
    group = AppGroup("db", help="The database schema.")
    app.cli.add_command(group)

    @group.command("upgrade")
    @click.argument("revision", default="head")
    def upgrade(revision: str) -> None:
        """Bring the schema to REVISION (the newest by default)."""
        db = Database(Settings().database_url)
        db.migrate(revision)
        click.echo(f"schema at {db.current_revision()}")
        db.dispose()

    @group.command("current")
    def current() -> None:
        """Show the schema's revision and the newest one."""
        db = Database(Settings().database_url)
        click.echo(f"{db.current_revision()} (newest {head_revision()})")
        db.dispose()
