"""``flask roster import``: a name list from a file."""

from __future__ import annotations

from pathlib import Path

import click
from flask import Flask
from flask.cli import AppGroup

from server.cli import open_context, show_errors
from server.services.import_roster import ImportPlan, plan_import
from server.services.manage_institution import find_institution
from server.services.roster_reader import read_roster_apart
from server.services.write_roster import apply_import

SHOWN_FAULTS = 50


def register(app: Flask) -> None:
    """Add the commands to the application."""
    group = AppGroup("roster", help="Name lists.")
    app.cli.add_command(group)

    @group.command("import")
    @click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
    @click.option("--institution", help="Name of the college; not needed where there is one.")
    @click.option(
        "--create-centres/--no-create-centres",
        default=True,
        help="Create learning centres that are not known yet.",
    )
    @click.option("--dry-run", is_flag=True, help="Show what would happen and change nothing.")
    @show_errors
    def import_file(
        *, file: Path, institution: str | None, create_centres: bool, dry_run: bool
    ) -> None:
        """Import the students in FILE (csv, xlsx or xls): all of them, or none."""
        ctx = open_context()
        with ctx.db.read() as session:
            institution_id = find_institution(session, institution).id
        rows = read_roster_apart(file.read_bytes())
        with click.progressbar(length=len(rows), label="checking") as bar:
            plan = plan_import(
                ctx,
                institution_id,
                rows,
                can_create_centres=create_centres,
                progress=lambda done, _total: bar.update(done - bar.pos),
            )
        _show_plan(plan)
        if plan.faults:
            raise click.ClickException("nothing was imported")
        if dry_run:
            return
        with click.progressbar(length=1000, label="importing") as bar:
            apply_import(
                ctx,
                institution_id,
                plan,
                progress=lambda done, total: bar.update(1000 * done // max(total, 1) - bar.pos),
            )
        click.echo("done")


def _show_plan(plan: ImportPlan) -> None:
    for fault in plan.faults[:SHOWN_FAULTS]:
        click.echo(f"第 {fault.number} 行 {fault.column}:{fault.message}", err=True)
    if len(plan.faults) > SHOWN_FAULTS:
        click.echo(f"… 还有 {len(plan.faults) - SHOWN_FAULTS} 处错误", err=True)
    click.echo(
        f"new {len(plan.new)}, changed {len(plan.changed)}, unchanged {plan.unchanged_count}, "
        f"faults {len(plan.faults)}, new centres {len(plan.new_centres)}"
    )
