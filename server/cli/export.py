"""``flask export``: the photos of a batch as a zip on this machine."""

from __future__ import annotations

import contextlib
import datetime as dt
import os
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

import click
from flask import Flask
from sqlalchemy import select

from models import Batch
from server.cli import open_context, show_errors
from server.context import Context
from server.errors import NotFound
from server.services.export_plan import ExportOrder, Naming, Use, count_rows
from server.services.manage_institution import find_institution
from server.services.run_export import export_to_file

USES = {use.label: use for use in Use} | {use.value: use for use in Use}


def register(app: Flask) -> None:
    """Add the command to the application."""

    @app.cli.command("export")
    @click.argument("batch", type=click.DateTime(formats=["%Y-%m-%d"]))
    @click.argument("file", type=click.Path(dir_okay=False, path_type=Path))
    @click.option("--institution", help="Name of the college; not needed where there is one.")
    @click.option(
        "--naming",
        type=click.Choice([naming.value for naming in Naming]),
        default=Naming.STUDENT_NO.value,
        show_default=True,
        help="What photos are called; collection_code makes a provider's export without names.",
    )
    @click.option(
        "--use",
        "uses",
        type=click.Choice(list(USES)),
        multiple=True,
        default=[Use.REGISTRATION.label],
        show_default=True,
        help="One folder each; give it several times for several uses.",
    )
    @show_errors
    def export(
        *, batch: dt.datetime, file: Path, institution: str | None, naming: str, uses: list[str]
    ) -> None:
        """Write the collected photos of the batch named BATCH (a date) to FILE, a new zip.

        Exit status 1, and no FILE, when there is nothing to export or a photo is missing or
        damaged. The file is not encrypted: it belongs to whoever runs this.
        """
        ctx = open_context()
        chosen = {USES[use] for use in uses}
        order = ExportOrder(
            *_find_batch(ctx, institution, batch.date()),
            naming=Naming(naming),
            uses=tuple(use for use in Use if use in chosen),
            as_of=ctx.now(),
        )
        with ctx.db.read() as session:
            total = sum(count_rows(session, order, use) for use in order.uses)
        with (
            _open_new(file) as sink,
            click.progressbar(length=total, label="exporting") as bar,
        ):
            results = export_to_file(ctx, order, sink, lambda done: bar.update(done - bar.pos))
        for result in results:
            click.echo(f"{result.use.label} {result.count} photos {result.size_bytes} bytes")
        click.echo(f"written {file}")


def _find_batch(
    ctx: Context, institution: str | None, date: dt.date
) -> tuple[uuid.UUID, uuid.UUID]:
    with ctx.db.read() as session:
        college = find_institution(session, institution)
        batch_id = session.scalar(
            select(Batch.id).where(Batch.institution_id == college.id, Batch.date == date)
        )
        if batch_id is None:
            raise NotFound(f"没有批次 {date}")
        return college.id, batch_id


@contextlib.contextmanager
def _open_new(path: Path) -> Iterator[BinaryIO]:
    """Give a private file beside ``path`` that takes its name once it is whole."""
    if path.exists():
        raise click.ClickException(f"{path} exists already")
    partial = path.with_name(path.name + ".part")
    try:
        descriptor = os.open(partial, os.O_RDWR | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "w+b") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        partial.replace(path)
    except OSError as error:
        raise click.ClickException(f"{partial}: {error.strerror}") from None
    finally:
        partial.unlink(missing_ok=True)
