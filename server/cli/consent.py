"""``flask consent``: the notice that students of an institution agree to."""

from __future__ import annotations

import json
from pathlib import Path

import click
from flask import Flask
from flask.cli import AppGroup

from server.cli import open_context, show_errors
from server.services.college.set_up import find_institution
from server.services.consent.ask import list_notices
from server.services.consent.parts import list_missing, read_parts
from server.services.consent.publish import publish_notice, read_draft


def register(app: Flask) -> None:
    """Add the commands to the application."""
    group = AppGroup("consent", help="The notice that students agree to.")
    app.cli.add_command(group)
    institution_option = click.option("--institution", help="its name, where there are several")

    @group.command("show")
    @institution_option
    @show_errors
    def show(institution: str | None) -> None:
        """Print the parts of the draft, or of the present notice, as JSON for `publish`."""
        with open_context().db.read() as session:
            parts = read_draft(session, find_institution(session, institution).id)
        click.echo(json.dumps(parts.to_json(), ensure_ascii=False, indent=2))

    @group.command("publish")
    @click.argument("version")
    @click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
    @institution_option
    @show_errors
    def publish(version: str, file: Path, institution: str | None) -> None:
        """Publish the parts in FILE (JSON) as VERSION (2026-12, or 2026-12.1 for better words).

        A new name before the dot asks everybody again before their next photo.
        """
        try:
            kept = json.loads(file.read_text(encoding="utf-8"))
        except ValueError:
            raise click.ClickException("the file is no JSON in UTF-8") from None
        if not isinstance(kept, dict):
            raise click.ClickException("the file holds no parts: see `flask consent show`")
        ctx = open_context()
        with ctx.db.read() as session:
            institution_id = find_institution(session, institution).id
        is_asked_again = publish_notice(ctx, institution_id, read_parts(kept), version=version)
        click.echo(
            f"published {version}" + ("; everybody is asked again" if is_asked_again else "")
        )

    @group.command("list")
    @institution_option
    @show_errors
    def list_versions(institution: str | None) -> None:
        """Show the versions, the newest first, and what the present one lacks."""
        with open_context().db.read() as session:
            notices = list_notices(session, find_institution(session, institution).id)
        for row in notices:
            click.echo(
                f"{row.version} {row.published_at:%Y-%m-%d %H:%M} {len(row.text)} characters"
            )
        for label in list_missing(read_parts(notices[0].parts)).values():
            click.echo(f"missing in {notices[0].version}: {label}")
