"""``flask restore``: verifies a whole backup first, then fills an empty installation with it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from alembic.script import ScriptDirectory

from server.context import Context
from server.db import alembic_config
from server.gateways.photo_store import PhotoMissing
from server.services.upkeep.heartbeats import end_heart
from server.transfer.back_up import BACKUP_HEARTBEAT
from server.transfer.backup_folder import BackupFolder, Snapshot
from server.transfer.load import load_rows, make_schema, require_empty
from server.transfer.report import Progress, TransferRefused, ignore_progress

SHOWN_FAULTS = 5


def restore(
    ctx: Context,
    folder: Path,
    *,
    name: str | None = None,
    is_forced: bool = False,
    progress: Progress = ignore_progress,
) -> Snapshot:
    """Fill database and photo store from a backup and return the snapshot that was used.

    Photos go first: a run that is interrupted leaves a database without rows, and is repeated.
    The schema is made as it was, filled, compared, and then brought to the newest revision.

    Args:
        ctx: the installation to fill; its keys must be those of the backup.
        folder: what ``flask backup`` was given.
        name: a snapshot, the newest by default.
        is_forced: replace what is there instead of refusing.
        progress: told of every step.

    Raises:
        TransferRefused: with one line; nothing was touched unless it says so.
    """
    backup = BackupFolder(folder)
    snapshot = backup.open(name)
    verify(ctx, backup, snapshot, progress)
    if not is_forced:
        require_empty(ctx.db)
        if any(not key.startswith("probe/") for key in ctx.photo_store.list_keys()):
            raise TransferRefused("the target is not empty: the photo store holds objects")
    ctx.photo_store.verify()
    _put_photos(ctx, backup, snapshot, progress)
    make_schema(ctx.db, snapshot.revision)
    load_rows(ctx.db, snapshot, progress)
    ctx.db.migrate()
    # It beat while the snapshot was made; here no backup runs for which retention would wait.
    end_heart(ctx, BACKUP_HEARTBEAT)
    if is_forced:
        _delete_leftovers(ctx, snapshot)
    return snapshot


def verify(ctx: Context, backup: BackupFolder, snapshot: Snapshot, progress: Progress) -> None:
    """Read everything that a restore needs; raises TransferRefused with the first few faults."""
    _verify_revision(snapshot)
    _verify_keys(ctx, snapshot)
    faults = list(snapshot.list_damaged_files())
    if not faults:
        faults = list(_list_damaged_photos(backup, snapshot, progress))
    if faults:
        shown = ", ".join(faults[:SHOWN_FAULTS])
        raise TransferRefused(f"the backup is damaged, {len(faults)} files: {shown}")


def _verify_revision(snapshot: Snapshot) -> None:
    script = ScriptDirectory.from_config(alembic_config())
    known = {each.revision for each in script.walk_revisions()}
    if snapshot.revision not in known:
        raise TransferRefused(
            f"the backup's schema {snapshot.revision} is not known here: "
            "it was made by a newer version"
        )


def _verify_keys(ctx: Context, snapshot: Snapshot) -> None:
    for key_id, fingerprint in snapshot.manifest.field_keys.items():
        if ctx.cipher.fingerprint(key_id) != fingerprint:
            raise TransferRefused(f"FIELD_KEYS: {key_id} is missing or not the key of this backup")
    if ctx.cipher.fingerprint_index_key() != snapshot.manifest.index_key:
        raise TransferRefused("INDEX_KEY: is not the key of this backup")


def _list_damaged_photos(
    backup: BackupFolder, snapshot: Snapshot, progress: Progress
) -> Iterator[str]:
    missing = set(snapshot.manifest.missing_photos)
    total = snapshot.manifest.photo_count
    for place, key in enumerate(snapshot.list_photo_keys(), 1):
        if key not in missing:
            try:
                backup.photos.get(key)
            except PhotoMissing:
                yield f"photos/{key}"
        progress("verify", place, total)


def _put_photos(ctx: Context, backup: BackupFolder, snapshot: Snapshot, progress: Progress) -> None:
    total = snapshot.manifest.photo_count
    missing = set(snapshot.manifest.missing_photos)
    for place, key in enumerate(snapshot.list_photo_keys(), 1):
        if key not in missing:
            ctx.photo_store.put(key, backup.photos.get(key))
        progress("photos", place, total)


def _delete_leftovers(ctx: Context, snapshot: Snapshot) -> None:
    wanted = set(snapshot.list_photo_keys())
    for key in list(ctx.photo_store.list_keys()):
        if key not in wanted:
            ctx.photo_store.delete(key)
