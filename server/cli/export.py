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

from models import Batch, LearningCentre
from server.cli import open_context, show_errors
from server.cli.moments import DAY, LocalMoment
from server.context import Context
from server.errors import NotFound
from server.gateways.clock import LOCAL_ZONE, to_local
from server.services.college.set_up import find_institution
from server.services.exports.left_out import name_left_out, require_somebody
from server.services.exports.plan import AnyUse, ExportOrder, Naming, Use, count_rows
from server.services.exports.receipts import record_command
from server.services.exports.run import export_to_file
from server.services.exports.scope import list_profile_uses, name_receiver, require_pictures

USES = {use.label: use for use in Use} | {use.value: use for use in Use}


def register(app: Flask) -> None:
    """Add the command to the application."""

    @app.cli.command("export")
    @click.argument("batch", type=DAY)
    @click.argument("file", type=click.Path(dir_okay=False, path_type=Path))
    @click.option("--institution", help="Name of the college; not needed where there is one.")
    @click.option(
        "--naming",
        type=click.Choice([naming.value for naming in Naming]),
        default=Naming.STUDENT_NO.value,
        show_default=True,
        help="What photos are called; photo_number makes a provider's export without names.",
    )
    @click.option(
        "--use",
        "uses",
        multiple=True,
        default=[Use.REGISTRATION.label],
        show_default=True,
        help=f"One folder each, several times: {'、'.join(use.label for use in Use)}, or the key "
        "of a photo profile that is on.",
    )
    @click.option("--centre", help="Name of one learning centre; all of them without it.")
    @click.option(
        "--since",
        type=LocalMoment(),
        help="Local time: only what was collected, made or agreed to after it.",
    )
    @click.option("--receiver", default="", help="Who gets it; needed with chsi_code.")
    @click.option("--purpose", default="", help="What for; needed with chsi_code.")
    @show_errors
    def export(
        *,
        batch: dt.datetime,
        file: Path,
        institution: str | None,
        naming: str,
        uses: list[str],
        centre: str | None,
        since: dt.datetime | None,
        receiver: str,
        purpose: str,
    ) -> None:
        """Write the collected photos of the batch named BATCH (a date) to FILE, a new zip.

        Exit status 1, and no FILE, when there is nothing to export, nobody agreed to a use,
        pictures of a profile are still being made, or a photo is missing or damaged. The file
        is not encrypted: it belongs to whoever runs this.
        The console's 交接记录 keeps a receipt of it, as of its own exports.
        """
        ctx = open_context()
        institution_id, batch_id = _find_batch(ctx, institution, batch.date())
        order = ExportOrder(
            institution_id=institution_id,
            batch_id=batch_id,
            naming=Naming(naming),
            uses=_find_uses(ctx, institution_id, uses),
            as_of=ctx.now(),
            centre_id=_find_centre(ctx, institution_id, centre) if centre else None,
            since=since.replace(tzinfo=LOCAL_ZONE) if since else None,
        )
        order = name_receiver(order, receiver, purpose)
        with ctx.db.read() as session:
            require_pictures(session, order)
            require_somebody(session, order)
            total = sum(count_rows(session, order, use) for use in order.uses)
        with (
            _open_new(file) as sink,
            click.progressbar(length=total, label="exporting") as bar,
        ):
            results = export_to_file(ctx, order, sink, lambda done: bar.update(done - bar.pos))
            receipt_id = record_command(ctx, order, results, sink)
        for result in results:
            click.echo(f"{result.use.label} {result.count} photos {result.size_bytes} bytes")
        kept = {each.use.value: [str(one) for one in each.left_out] for each in results}
        with ctx.db.read() as session:
            for each in name_left_out(session, order.uses, kept):
                named = ", ".join(use.label for use in each.uses)
                click.echo(f"left out, no consent: {each.student_no} ({named})")
        click.echo(f"receipt {receipt_id}")
        click.echo(f"go on from here with --since '{to_local(order.as_of):%Y-%m-%d %H:%M:%S}'")
        click.echo(f"written {file}")


def _find_uses(ctx: Context, institution_id: uuid.UUID, names: list[str]) -> tuple[AnyUse, ...]:
    with ctx.db.read() as session:
        profiles = {use.key: use for use in list_profile_uses(session, institution_id)}
    known: dict[str, AnyUse] = {**USES, **profiles}
    if unknown := [name for name in names if name not in known]:
        raise click.UsageError(f"no use {', '.join(unknown)}; there are {', '.join(known)}")
    return tuple(dict.fromkeys(known[name] for name in names))


def _find_centre(ctx: Context, institution_id: uuid.UUID, name: str) -> uuid.UUID:
    query = select(LearningCentre.id).where(
        LearningCentre.institution_id == institution_id, LearningCentre.name == name
    )
    with ctx.db.read() as session:
        found = session.scalar(query)
    if found is None:
        raise click.UsageError(f"no learning centre {name}")
    return found


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
