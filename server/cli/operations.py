"""``flask check`` and ``flask batch``: the operator's daily commands."""

from __future__ import annotations

import datetime as dt

import click
from flask import Flask
from flask.cli import AppGroup

from server.cli import open_context, show_errors
from server.services.check_integrity import check_integrity
from server.services.close_batch import close_batch


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
