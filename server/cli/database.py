"""``flask db``: the schema."""

from __future__ import annotations

import click
from flask import Flask
from flask.cli import AppGroup

from server.cli import show_errors
from server.cli.bars import show_bars
from server.database_roles import create_service_role, open_as_owner
from server.db import Database, head_revision
from server.settings import Settings
from server.transfer.copy_database import copy_database


def _open_target(url: str) -> Database:
    """Return the database of an address; a wrong one ends the command with one line."""
    if not url.startswith(("sqlite:///", "postgresql+psycopg://")):
        raise click.BadParameter("must start with sqlite:/// or postgresql+psycopg://")
    return Database(url)


def register(app: Flask) -> None:
    """Add the commands to the application."""
    group = AppGroup("db", help="The database schema.")
    app.cli.add_command(group)

    @group.command("upgrade")
    @click.argument("revision", default="head")
    @click.option(
        "--create-role",
        is_flag=True,
        help="Make the role of DATABASE_URL first, as DATABASE_OWNER_URL (PostgreSQL).",
    )
    @show_errors
    def upgrade(revision: str, *, create_role: bool) -> None:
        """Bring the schema to REVISION (the newest by default).

        With DATABASE_OWNER_URL that role does it, and the one of DATABASE_URL gets its rights.
        """
        settings = Settings()
        if create_role:
            click.echo(f"role {create_service_role(settings)} may sign in")
        db = open_as_owner(settings)
        db.migrate(revision)
        click.echo(f"schema at {db.current_revision()}")
        db.dispose()

    @group.command("copy")
    @click.option(
        "--to", "target_url", required=True, help="sqlite:////… or postgresql+psycopg://…"
    )
    @show_errors
    def copy(target_url: str) -> None:
        """Copy all rows of DATABASE_URL into an empty database and compare counts and hashes.

        Stop web and worker first: what is written after the copy began is not in it.
        """
        source, target = Database(Settings().database_url), _open_target(target_url)
        with show_bars() as progress:
            counts = copy_database(source, target, progress)
        for name, count in counts.items():
            click.echo(f"{name} {count}")
        click.echo(f"{sum(counts.values())} rows copied, counts and hashes agree")

    @group.command("current")
    def current() -> None:
        """Show the schema's revision and the newest one."""
        db = Database(Settings().database_url)
        click.echo(f"{db.current_revision()} (newest {head_revision()})")
        db.dispose()
