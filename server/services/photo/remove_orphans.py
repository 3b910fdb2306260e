"""Deletes what a crash left in the photo store: half-written files and files without a row."""

from __future__ import annotations

import datetime as dt
import itertools
from collections.abc import Iterator

import structlog

from models import DeletionRecord
from server.context import Context
from server.services.photo.keep_file import delete_unreferenced, find_referenced

log = structlog.get_logger()

PHOTO_FOLDERS = ("originals/", "standard/", "profiles/")
CHUNK = 500
"""Keys a question: below the number of parameters that a statement may have."""


def remove_orphans(ctx: Context) -> int:
    """Delete unfinished and unreferenced files that are old enough; returns how many.

    Old is ``orphan_age_s``: far longer than any upload takes between its file and its row.
    """
    not_after = ctx.now() - dt.timedelta(seconds=ctx.settings.orphan_age_s)
    count = ctx.photo_store.remove_unfinished(not_after)
    for key in list_orphans(ctx):
        if delete_unreferenced(ctx, key, not_after=not_after):
            _note_deletion(ctx, key)
            count += 1
    return count


def list_orphans(ctx: Context) -> Iterator[str]:
    """Yield keys of photo files that no row names at this moment."""
    keys = (key for key in ctx.photo_store.list_keys() if key.startswith(PHOTO_FOLDERS))
    while chunk := list(itertools.islice(keys, CHUNK)):
        with ctx.db.read() as session:
            known = find_referenced(session, chunk)
        yield from (key for key in chunk if key not in known)


def _note_deletion(ctx: Context, key: str) -> None:
    log.info("orphan_removed", key=key)
    with ctx.db.write() as session:
        session.add(
            DeletionRecord(
                at=ctx.now(),
                subject_kind="photo_file",
                subject_id=key.rsplit("/", 1)[-1],
                reason="no row names this file",
            )
        )
