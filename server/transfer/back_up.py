"""``flask backup``: one state of the database and every photo that it names, while others write.

The rows are read in one snapshot of the database (SQLite: a read transaction in WAL mode;
PostgreSQL: REPEATABLE READ), so no program of the database is needed and either engine can be
restored into the other. Photos never change under their key: they are copied after the rows, and
only those that an earlier backup in the same folder did not have.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sqlalchemy import Connection

from models import read_key_id
from server.context import Context
from server.db import head_revision
from server.gateways.photo_store import PhotoMissing
from server.services.upkeep.heartbeats import beat_heart, end_heart
from server.transfer.backup_folder import BackupFolder, Manifest, write_lines
from server.transfer.report import Progress, TransferRefused, ignore_progress
from server.transfer.rows import Digest, Row, TableShape, list_shapes, read_rows

BACKUP_HEARTBEAT = "backup"
"""Retention deletes no photo while this heart beats: a backup may be about to copy it."""
BEAT_EVERY = 200
NAME_FORMAT = "%Y%m%dT%H%M%SZ"
PHOTO_COLUMNS = {"photo": ("original_key", "standard_key"), "profile_photo": ("file_key",)}


@dataclass(frozen=True)
class BackupReport:
    """What a backup holds and what it had to copy."""

    name: str
    row_count: int
    photo_count: int
    new_photo_count: int
    missing_photos: list[str]
    forgotten_count: int


class _Collector:
    """Notes, while rows go by, which photos and which keys they need."""

    def __init__(self) -> None:
        self.photo_keys: set[str] = set()
        self.key_ids: set[str] = set()

    def watch(self, shape: TableShape, row: Row) -> None:
        for (name, kind), value in zip(shape.columns.items(), row, strict=True):
            if value is None:
                continue
            if name in PHOTO_COLUMNS.get(shape.name, ()):
                self.photo_keys.add(str(value))
            elif kind == "bytes" and name.endswith("_encrypted") and value:
                self.key_ids.add(read_key_id(value))


def back_up(
    ctx: Context, folder: Path, *, keep: int | None = None, progress: Progress = ignore_progress
) -> BackupReport:
    """Write one snapshot into ``folder``; with ``keep``, forget all but the newest ones.

    Raises:
        TransferRefused: the folder cannot be used, or the schema is not the newest.
        PhotoStoreUnavailable: nothing half-made remains under a snapshot's name.
    """
    revision = ctx.db.current_revision()
    if revision is None or revision != head_revision():
        raise TransferRefused("the schema is not the newest; run `flask db upgrade`")
    backup = BackupFolder(folder)
    with backup.lock():
        name = _choose_name(backup, ctx.now())
        beat_heart(ctx, BACKUP_HEARTBEAT)
        try:
            partial = backup.begin(name)
            seen = _Collector()
            with ctx.db.snapshot() as connection:
                tables = list(_write_tables(connection, partial, seen, progress))
            copied, missing = _copy_photos(ctx, backup, sorted(seen.photo_keys), progress)
            manifest = Manifest(
                made_at=ctx.now().isoformat(),
                revision=revision,
                tables=tables,
                photo_count=len(seen.photo_keys),
                photos_sha256=write_lines(
                    partial / "photos.txt.gz", (key.encode() for key in sorted(seen.photo_keys))
                ),
                field_keys={
                    key_id: ctx.cipher.fingerprint(key_id) or "" for key_id in sorted(seen.key_ids)
                },
                index_key=ctx.cipher.fingerprint_index_key(),
                missing_photos=missing,
            )
            backup.finish(partial, manifest)
            forgotten = backup.keep_newest(keep) if keep else 0
        finally:
            end_heart(ctx, BACKUP_HEARTBEAT)
    rows = sum(int(each["rows"]) for each in tables)
    return BackupReport(name, rows, manifest.photo_count, copied, missing, forgotten)


def _choose_name(backup: BackupFolder, now: dt.datetime) -> str:
    names = set(backup.list_names())
    while (name := now.strftime(NAME_FORMAT)) in names:
        now += dt.timedelta(seconds=1)
    return name


def _write_tables(
    connection: Connection, partial: Path, seen: _Collector, progress: Progress
) -> Iterator[dict[str, Any]]:
    shapes = list_shapes()
    for place, shape in enumerate(shapes, 1):
        digest = Digest()

        def encode(shape: TableShape = shape, digest: Digest = digest) -> Iterator[bytes]:
            for row in read_rows(connection, shape):
                seen.watch(shape, row)
                line = shape.encode(row)
                digest.add(line)
                yield line

        sha256 = write_lines(partial / "tables" / f"{shape.name}.jsonl.gz", encode())
        progress("tables", place, len(shapes))
        yield {"shape": shape.as_json(), "sha256": sha256, **digest.as_json()}


def _copy_photos(
    ctx: Context, backup: BackupFolder, keys: list[str], progress: Progress
) -> tuple[int, list[str]]:
    copied, missing = 0, []
    for place, key in enumerate(keys, 1):
        if place % BEAT_EVERY == 0:
            beat_heart(ctx, BACKUP_HEARTBEAT)
        if not backup.photos.has(key):
            try:
                backup.photos.put(key, ctx.photo_store.get(key))
                copied += 1
            except PhotoMissing:
                missing.append(key)
        progress("photos", place, len(keys))
    return copied, missing
