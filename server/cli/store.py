"""``flask migrate-store``: photos from one store into another."""

from __future__ import annotations

import click
from flask import Flask

from server.cli import open_context, show_errors
from server.cli.bars import show_bars
from server.gateways.photo_store import PhotoStore
from server.settings import SettingsInvalid, check_photo_store
from server.transfer.migrate_store import migrate_store
from server.wiring import create_bucket, open_store


def register(app: Flask) -> None:
    """Add the commands to the application."""
    app.cli.add_command(create_store_bucket)

    @app.cli.command("migrate-store")
    @click.option("--to", "target_url", help="Where to; PHOTO_STORE when left out.")
    @click.option("--from", "source_url", help="Where from; PHOTO_STORE when left out.")
    @show_errors
    def migrate(target_url: str | None, source_url: str | None) -> None:
        """Copy photos between a folder and s3://…; may be repeated, deletes nothing."""
        if not target_url and not source_url:
            raise click.UsageError("give --to, --from or both")
        if target_url == source_url:
            raise click.UsageError("--from and --to are the same")
        present = open_context().settings.photo_store
        source = _open_named("--from", source_url or present)
        target = _open_named("--to", target_url or present)
        with show_bars() as progress:
            done = migrate_store(source, target, progress)
        for key in done.damaged:
            click.echo(f"damaged {key}")
        click.echo(
            f"{done.copied} copied ({done.copied_bytes} bytes), {done.present} were there, "
            f"{len(done.damaged)} damaged"
        )
        if done.damaged:
            raise SystemExit(1)


@click.command("create-bucket")
@show_errors
def create_store_bucket() -> None:
    """Make the bucket of PHOTO_STORE where it is missing."""
    is_new = create_bucket(open_context().settings)
    click.echo("bucket made" if is_new else "nothing to make")


def _open_named(option: str, url: str) -> PhotoStore:
    """Return the store of an address; a wrong one ends the command with one line."""
    try:
        check_photo_store("PHOTO_STORE", url)
    except SettingsInvalid as error:
        raise click.BadParameter(str(error), param_hint=option) from None
    return open_store(url)
