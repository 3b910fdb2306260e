"""``flask migrate-store``: photos from one store into another, while the service runs.

Only content-addressed keys can be compared without reading both sides; every object is read from
the source, checked against the hash that its key names, written, and read back from the target.
What the target already has intact is not written again, so an interrupted run goes on.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from server.gateways.photo_store import PhotoDamaged, PhotoMissing, PhotoStore, hash_bytes
from server.transfer.report import Progress, TransferRefused, ignore_progress


@dataclass
class Migration:
    """What one run did. ``damaged`` are keys whose bytes are not what they should be."""

    copied: int = 0
    present: int = 0
    copied_bytes: int = 0
    damaged: list[str] = field(default_factory=list)


def migrate_store(
    source: PhotoStore, target: PhotoStore, progress: Progress = ignore_progress
) -> Migration:
    """Copy every object; nothing is deleted from the source.

    Raises:
        TransferRefused: the target lost or changed what was just written.
        PhotoStoreUnavailable: a store went away; the next run goes on from there.
    """
    target.verify()
    keys = [key for key in source.list_keys() if not key.startswith("probe/")]
    done = Migration()
    for place, key in enumerate(keys, 1):
        try:
            _copy(source, target, key, done)
        except PhotoDamaged:
            done.damaged.append(key)
        except PhotoMissing:
            # Retention deleted it after it was listed.
            pass
        progress("photos", place, len(keys))
    return done


def _copy(source: PhotoStore, target: PhotoStore, key: str, done: Migration) -> None:
    data = source.get(key)
    if _read_hash(target, key) == hash_bytes(data):
        done.present += 1
        return
    target.delete(key)
    target.put(key, data)
    if _read_hash(target, key) != hash_bytes(data):
        raise TransferRefused(f"{key} came back different from the target")
    done.copied += 1
    done.copied_bytes += len(data)


def _read_hash(store: PhotoStore, key: str) -> str | None:
    try:
        return hash_bytes(store.get(key))
    except PhotoMissing:
        return None
