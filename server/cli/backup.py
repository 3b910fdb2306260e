"""``flask backup`` and ``flask restore``."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import click
from flask import Flask

from server.cli import open_context, show_errors
from server.cli.bars import show_bars
from server.database_roles import open_as_owner
from server.services.upkeep.check_integrity import TIME_LIMITS, check_integrity
from server.transfer.back_up import back_up
from server.transfer.drill import drill_restore
from server.transfer.restore import restore

FOLDER = click.Path(file_okay=False, path_type=Path)


def register(app: Flask) -> None:
    """Add the commands to the application."""
    app.cli.add_command(backup_command)
    app.cli.add_command(restore_command)
    app.cli.add_command(drill_command)


@click.command("backup")
@click.argument("folder", type=FOLDER)
@click.option("--keep", type=click.IntRange(1), help="Forget all but the newest N snapshots.")
@show_errors
def backup_command(folder: Path, keep: int | None) -> None:
    """Write a snapshot of all rows and photos into FOLDER, while the service runs.

    Give the same FOLDER again: photos that are there are not copied again. The keys (FIELD_KEYS,
    INDEX_KEY, SECRET_KEY) are not in it; without them it cannot be used.
    """
    with show_bars() as progress:
        done = back_up(open_context(), folder, keep=keep, progress=progress)
    click.echo(
        f"snapshot {done.name}: {done.row_count} rows, {done.photo_count} photos "
        f"({done.new_photo_count} new, {done.forgotten_count} forgotten)"
    )
    if done.missing_photos:
        for key in done.missing_photos:
            click.echo(f"missing {key}", err=True)
        click.echo("the store lacks photos that rows name; run `flask check`", err=True)
        raise SystemExit(1)


@click.command("restore")
@click.argument("folder", type=FOLDER)
@click.option("--snapshot", "name", help="Name of a snapshot; the newest when left out.")
@click.option("--force", "is_forced", is_flag=True, help="Replace what is there.")
@show_errors
def restore_command(*, folder: Path, name: str | None, is_forced: bool) -> None:
    """Verify the backup in FOLDER, fill the empty database and photo store from it, and check.

    Stop web and worker first.
    """
    ctx = open_context()
    # It makes tables: the role that serves may not.
    ctx = dataclasses.replace(ctx, db=open_as_owner(ctx.settings))
    with show_bars() as progress:
        snapshot = restore(ctx, folder, name=name, is_forced=is_forced, progress=progress)
    for table in snapshot.manifest.tables:
        click.echo(f"{table['shape']['name']} {table['rows']}")
    click.echo(
        f"snapshot {snapshot.folder.name} restored: {snapshot.manifest.photo_count} photos, "
        "counts and hashes agree"
    )
    # What waits for a worker waits on: that is no fault of the restored data.
    problems = [each for each in check_integrity(ctx) if each.kind not in TIME_LIMITS]
    for problem in problems:
        click.echo(f"{problem.kind} {problem.subject}")
    click.echo(f"{len(problems)} problems")
    if problems:
        raise SystemExit(1)


@click.command("restore-drill")
@click.argument("folder", type=FOLDER)
@click.option("--snapshot", "name", help="Name of a snapshot; the newest when left out.")
@show_errors
def drill_command(*, folder: Path, name: str | None) -> None:
    """Try to restore the backup in FOLDER into a place of its own, and record how it ended.

    The service goes on meanwhile. Needs room for the whole backup in the temporary folder.
    """
    with show_bars() as progress:
        drill = drill_restore(open_context(), folder, name=name, progress=progress)
    if drill.fault:
        raise click.ClickException(f"recorded: {drill.fault}")
    click.echo(
        f"recorded: snapshot {drill.snapshot}, {drill.row_count} rows, {drill.photo_count} photos, "
        f"{drill.problem_count} problems, {drill.took_s} s"
    )
    if drill.problem_count:
        raise SystemExit(1)
