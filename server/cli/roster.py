"""``flask roster import``: a name list from a file."""

from __future__ import annotations

import sys
import uuid
from pathlib import Path

import click
from flask import Flask
from flask.cli import AppGroup

from server.cli import open_context, show_errors
from server.context import Context
from server.services.college.set_up import find_institution
from server.services.roster.judge import RowFault
from server.services.roster.plan import ImportPlan, plan_import
from server.services.roster.read_apart import read_roster_apart
from server.services.roster.write import apply_import

SHOWN = 50


def register(app: Flask) -> None:
    """Add the commands to the application."""
    group = AppGroup("roster", help="Name lists.")
    app.cli.add_command(group)

    @group.command("import")
    @click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
    @click.option("--institution", help="Name of the college; not needed where there is one.")
    @click.option(
        "--create-centres/--no-create-centres",
        default=False,
        help="Create learning centres that are not known yet.",
    )
    @click.option("--dry-run", is_flag=True, help="Show what would happen and change nothing.")
    @click.option(
        "--replace",
        multiple=True,
        metavar="学号",
        help="Confirm that this 学号 is another person's now; once for each.",
    )
    @click.option("--yes", is_flag=True, help="Do not ask before students are changed.")
    @show_errors
    def import_file(
        *,
        file: Path,
        institution: str | None,
        create_centres: bool,
        dry_run: bool,
        replace: tuple[str, ...],
        yes: bool,
    ) -> None:
        """Import the students in FILE (csv, xlsx or xls): all of them, or none."""
        ctx = open_context()
        with ctx.db.read() as session:
            institution_id = find_institution(session, institution).id
        plan = _plan(ctx, institution_id, file, can_create_centres=create_centres)
        _show_plan(plan)
        if dry_run:
            sys.exit(1 if plan.faults else 0)
        if plan.faults:
            raise click.ClickException("nothing was imported")
        replaced = _confirm_replaced(plan, replace)
        _ask(plan, yes=yes)
        with click.progressbar(length=1000, label="importing") as bar:
            apply_import(
                ctx,
                institution_id,
                plan,
                replaced=replaced,
                progress=lambda done, total: bar.update(1000 * done // max(total, 1) - bar.pos),
            )
        click.echo("done")


def _plan(
    ctx: Context, institution_id: uuid.UUID, file: Path, *, can_create_centres: bool
) -> ImportPlan:
    roster = read_roster_apart(file.read_bytes())
    with click.progressbar(length=len(roster.rows), label="checking") as bar:
        return plan_import(
            ctx,
            institution_id,
            roster,
            can_create_centres=can_create_centres,
            progress=lambda done, _total: bar.update(done - bar.pos),
        )


def _show_plan(plan: ImportPlan) -> None:
    for note in plan.notes:
        click.echo(f"提示：{note}", err=True)
    for warning in plan.warnings[:SHOWN]:
        click.echo(f"提示：{_describe(warning)}", err=True)
    for fault in plan.faults[:SHOWN]:
        click.echo(_describe(fault), err=True)
    for kind, rows in (("错误", plan.faults), ("提示", plan.warnings)):
        if len(rows) > SHOWN:
            click.echo(f"… 还有 {len(rows) - SHOWN} 处{kind}", err=True)
    click.echo(
        f"new {len(plan.new)}, changed {len(plan.changed)}, unchanged {plan.unchanged_count}, "
        f"faults {len(plan.faults)}, new centres {len(plan.new_centres)}"
    )


def _describe(one: RowFault) -> str:
    return f"第 {one.number} 行 {one.column}：{one.message}"


def _confirm_replaced(plan: ImportPlan, confirmed: tuple[str, ...]) -> list[str]:
    """Return the 学号 confirmed to be another person's: by option, or row by row on a terminal."""
    replaced = list(confirmed)
    for change in plan.replaced:
        _, before, after = change.differences[0]
        line = f"第 {change.number} 行 {change.student_no} 换了人：{before} → {after}"
        if change.student_no in confirmed:
            continue
        if sys.stdin.isatty() and click.confirm(f"{line}，解除原学生的绑定，照片作废？"):
            replaced.append(change.student_no)
        else:
            click.echo(f"{line}：请用 --replace {change.student_no} 确认", err=True)
    return replaced


def _ask(plan: ImportPlan, *, yes: bool) -> None:
    """Ask before students change or centres come into being; only a terminal can answer."""
    if yes or not sys.stdin.isatty() or not (plan.changed or plan.new_centres):
        return
    for change, _ in plan.changed[:SHOWN]:
        moves = "；".join(f"{name}：{old} → {new}" for name, old, new in change.differences)
        click.echo(f"第 {change.number} 行 {change.student_no} {moves}")
    if len(plan.changed) > SHOWN:
        click.echo(f"… 还有 {len(plan.changed) - SHOWN} 名有变化的学生")
    if plan.new_centres:
        click.echo(f"新建学习中心：{'、'.join(plan.new_centres[:SHOWN])}")
    click.confirm("继续导入？", abort=True)
