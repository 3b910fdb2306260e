"""``flask check`` and ``flask batch``: the operator's daily commands."""

from __future__ import annotations

import datetime as dt

import click
from flask import Flask
from flask.cli import AppGroup

from server.cli import open_context, show_errors
from server.observability.health import find_reasons
from server.services.check_integrity import check_integrity
from server.services.close_batch import close_batch
from server.services.purge import purge


def register(app: Flask) -> None:
    """Add the commands to the application."""

    @app.cli.command("check")
    @click.option("--read-files", is_flag=True, help="Read every photo and compare its hash.")
    def check(*, read_files: bool) -> None:
        """Compare rows, files, history and money; exit status 1 when they disagree."""
        count = 0
        for problem in check_integrity(open_context(), has_to_read_files=read_files):
            click.echo(f"{problem.kind} {problem.subject}")
            count += 1
        click.echo(f"{count} problems")
        raise SystemExit(1 if count else 0)

    @app.cli.command("alive")
    def alive() -> None:
        """Tell whether a worker does its rounds; exit status 1 when none does."""
        reasons = find_reasons(open_context())
        click.echo(", ".join(reasons) or "alive")
        raise SystemExit(1 if "worker_silent" in reasons else 0)

    @app.cli.command("purge")
    @click.option("--dry-run", is_flag=True, help="Count and delete nothing.")
    @show_errors
    def purge_old_data(*, dry_run: bool) -> None:
        """Delete what retention no longer allows; the worker does the same every hour."""
        done = purge(open_context(), is_dry=dry_run)
        if not done:
            raise click.ClickException("a backup is running; nothing was deleted")
        for kind, count in done.items():
            click.echo(f"{kind}: {count}" + (" would be deleted" if dry_run else " deleted"))

    group = AppGroup("batch", help="Batches (照片扫描批次).")
    app.cli.add_command(group)

    @group.command("close")
    @click.argument("date", type=click.DateTime(formats=["%Y-%m-%d"]))
    @click.option("--institution", help="Name of the college; not needed where there is one.")
    @show_errors
    def close(date: dt.datetime, institution: str | None) -> None:
        """Close the batch named DATE: later photos go to the next one."""
        close_batch(open_context(), institution=institution, date=date.date())
        click.echo(f"batch {date:%Y-%m-%d} closed")
