"""``flask check`` and ``flask batch``: the operator's daily commands."""

from __future__ import annotations

import datetime as dt
from typing import Any

import click
from flask import Flask
from flask.cli import AppGroup

from server.cli import open_context, show_errors
from server.cli.moments import DAY
from server.observability.health import find_reasons
from server.services.college.close_batch import close_batch
from server.services.upkeep.audit_chain import ChainHead, find_hash, read_head
from server.services.upkeep.check_integrity import check_integrity
from server.services.upkeep.end_people import tidy_database
from server.services.upkeep.purge import purge


def _parse_head(_ctx: click.Context, _option: click.Parameter, text: str | None) -> Any:
    if text is None:
        return None
    number, _, sealed = text.partition(":")
    try:
        return ChainHead(int(number), bytes.fromhex(sealed))
    except ValueError:
        raise click.BadParameter("expected what `flask check` prints") from None


def register(app: Flask) -> None:
    """Add the commands to the application."""

    @app.cli.command("check")
    @click.option("--read-files", is_flag=True, help="Read every photo and compare its hash.")
    @click.option(
        "--audit-head",
        metavar="NUMBER:HASH",
        callback=_parse_head,
        help="A head of the audit log that you kept: it must still be in the chain.",
    )
    def check(*, read_files: bool, audit_head: ChainHead | None) -> None:
        """Compare rows, files, history, audit log and money; exit status 1 when they disagree."""
        ctx, count = open_context(), 0
        for problem in check_integrity(ctx, has_to_read_files=read_files):
            click.echo(f"{problem.kind} {problem.subject}")
            count += 1
        with ctx.db.read() as session:
            head = read_head(session)
            if audit_head and find_hash(session, audit_head.number) != audit_head.hash:
                click.echo(f"audit_head_differs seal {audit_head.number}")
                count += 1
        click.echo(f"audit log sealed to {head}", err=True)
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
    @click.option("--vacuum", is_flag=True, help="Write SQLite's file anew afterwards.")
    @show_errors
    def purge_old_data(*, dry_run: bool, vacuum: bool) -> None:
        """Delete what retention no longer allows; the worker does the same every hour."""
        ctx = open_context()
        done = purge(ctx, is_dry=dry_run)
        if not done:
            raise click.ClickException("a backup is running; nothing was deleted")
        if vacuum and not dry_run:
            tidy_database(ctx, is_whole=True)
        for kind, count in done.items():
            click.echo(f"{kind}: {count}" + (" would be deleted" if dry_run else " deleted"))

    group = AppGroup("batch", help="Batches (照片扫描批次).")
    app.cli.add_command(group)

    @group.command("close")
    @click.argument("date", type=DAY)
    @click.option("--institution", help="Name of the college; not needed where there is one.")
    @show_errors
    def close(date: dt.datetime, institution: str | None) -> None:
        """Close the batch named DATE: later photos go to the next one."""
        close_batch(open_context(), institution=institution, date=date.date())
        click.echo(f"batch {date:%Y-%m-%d} closed")
