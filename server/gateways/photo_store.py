"""The photo store: a protocol, and the folder that implements it by default.

Keys are content-addressed: ``originals/ab/abcd….bin``, made by ``content_key``. Writing the same
bytes twice is harmless, and a key never changes its content.
"""

from __future__ import annotations

import contextlib
import datetime as dt
import hashlib
import os
import shutil
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Protocol

from server.errors import ServiceBusy

SHA256_HEX_LENGTH = 64
PREPARED = ("originals", "standard")
"""Kinds of content that come in crowds."""


class PhotoStoreUnavailable(ServiceBusy):
    """The store is full, read-only or gone. Nothing was kept."""

    code = "store_unavailable"
    message = "照片存储暂时不可用，请稍后再试"


class PhotoMissing(Exception):
    """No object has this key."""


class PhotoDamaged(PhotoMissing):
    """The object is there, but its bytes are not those that its key names."""


class PhotoStore(Protocol):
    """Keeps bytes under keys, durably."""

    def put(self, key: str, data: bytes) -> None:
        """Store ``data``; returns once it is durable. Raises PhotoStoreUnavailable."""
        ...

    def get(self, key: str) -> bytes:
        """Return the bytes; raises PhotoMissing, PhotoDamaged or PhotoStoreUnavailable."""
        ...

    def delete(self, key: str) -> None:
        """Remove the object; a missing one is no error."""
        ...

    def has(self, key: str) -> bool:
        """Tell whether the key exists."""
        ...

    def list_keys(self) -> Iterator[str]:
        """Yield every key."""
        ...

    def modified_at(self, key: str) -> dt.datetime:
        """Return when the object was last put; raises PhotoMissing or PhotoStoreUnavailable."""
        ...

    def remove_unfinished(self, not_after: dt.datetime) -> int:
        """Delete what killed processes left half-written until then; returns how many."""
        ...

    def free_bytes(self) -> int | None:
        """Return the free space, or None where there is no such limit."""
        ...

    def verify(self) -> None:
        """Write, read and delete a probe; raises PhotoStoreUnavailable."""
        ...


def content_key(kind: str, sha256: str, suffix: str) -> str:
    """Return the key of content with this hash: ``originals/ab/<sha256>.bin``."""
    return f"{kind}/{sha256[:2]}/{sha256}{suffix}"


def hash_bytes(data: bytes) -> str:
    """Return the SHA-256 of ``data`` in hex."""
    return hashlib.sha256(data).hexdigest()


def _named_hash(key: str) -> str | None:
    """Return the SHA-256 that a content-addressed key names, None for any other key."""
    name = key.rsplit("/", 1)[-1].split(".", 1)[0]
    is_hash = len(name) == SHA256_HEX_LENGTH and set(name) <= set("0123456789abcdef")
    return name if is_hash else None


def require_intact(key: str, data: bytes) -> bytes:
    """Return ``data`` when it is what ``key`` names; raises PhotoDamaged."""
    if _named_hash(key) not in {None, hash_bytes(data)}:
        raise PhotoDamaged(key)
    return data


def prove_writable(store: PhotoStore) -> None:
    """Write, read and delete a probe; raises PhotoStoreUnavailable."""
    data = uuid.uuid4().bytes
    probe = content_key("probe", hash_bytes(data), ".bin")
    store.put(probe, data)
    try:
        store.get(probe)
    except PhotoMissing as error:
        raise PhotoStoreUnavailable from error
    store.delete(probe)


class FolderPhotoStore:
    """A folder on this machine.

    A write goes to a temporary file, is flushed to the disk, renamed, and the folder entry is
    flushed too: after ``put`` a power cut loses nothing, and before it nothing is visible.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._incoming = folder / "incoming"
        self._is_prepared = False

    def put(self, key: str, data: bytes) -> None:
        """Store ``data`` durably under ``key``."""
        target = self._path(key)
        temporary = self._incoming / uuid.uuid4().hex
        try:
            if _holds(target, data):
                # Another request may have renamed it a moment ago and not flushed the folder yet;
                # and whoever deletes old files without a row must see that this one is wanted.
                os.utime(target)
                _flush_folder(target.parent)
                return
            self._incoming.mkdir(parents=True, exist_ok=True)
            self._make_folder(target.parent)
            _write_durably(temporary, data)
            temporary.replace(target)
            _flush_folder(target.parent)
        except OSError as error:
            with contextlib.suppress(OSError):
                temporary.unlink(missing_ok=True)
            raise PhotoStoreUnavailable from error

    def get(self, key: str) -> bytes:
        """Return the bytes of ``key``; raises PhotoMissing, PhotoDamaged, PhotoStoreUnavailable."""
        try:
            return require_intact(key, self._path(key).read_bytes())
        except FileNotFoundError as error:
            raise PhotoMissing(key) from error
        except OSError as error:
            raise PhotoStoreUnavailable from error

    def delete(self, key: str) -> None:
        """Remove ``key``."""
        try:
            self._path(key).unlink(missing_ok=True)
        except OSError as error:
            raise PhotoStoreUnavailable from error

    def has(self, key: str) -> bool:
        """Tell whether ``key`` exists."""
        return self._path(key).is_file()

    def list_keys(self) -> Iterator[str]:
        """Yield every key, without what is still being written."""
        for path in sorted(self.folder.glob("*/*/*")):
            yield path.relative_to(self.folder).as_posix()

    def modified_at(self, key: str) -> dt.datetime:
        """Return when ``key`` was last put."""
        try:
            return dt.datetime.fromtimestamp(self._path(key).stat().st_mtime, dt.UTC)
        except FileNotFoundError as error:
            raise PhotoMissing(key) from error
        except OSError as error:
            raise PhotoStoreUnavailable from error

    def list_unfinished(self) -> Iterator[Path]:
        """Yield temporary files that a killed process left."""
        yield from self._incoming.glob("*")

    def remove_unfinished(self, not_after: dt.datetime) -> int:
        """Delete temporary files that no living write can own any more."""
        count = 0
        for path in self.list_unfinished():
            # A write that is just being renamed or given up takes its file away under us.
            with contextlib.suppress(FileNotFoundError):
                if path.stat().st_mtime <= not_after.timestamp():
                    path.unlink()
                    count += 1
        return count

    def free_bytes(self) -> int | None:
        """Return the free bytes of the folder's disk."""
        try:
            return shutil.disk_usage(self.folder).free
        except OSError:
            return 0

    def verify(self) -> None:
        """Prove that the folder can be written, read and deleted from; make its subfolders.

        Making a subfolder durable costs two more flushes, which no upload should wait for.
        """
        prove_writable(self)
        if not self._is_prepared:
            try:
                for kind in PREPARED:
                    for first in range(256):
                        (self.folder / kind / f"{first:02x}").mkdir(parents=True, exist_ok=True)
                    _flush_folder(self.folder / kind)
                _flush_folder(self.folder)
            except OSError as error:
                raise PhotoStoreUnavailable from error
            self._is_prepared = True

    def _path(self, key: str) -> Path:
        if key.startswith("/") or ".." in key.split("/"):
            raise PhotoMissing(key)
        return self.folder / key

    def _make_folder(self, folder: Path) -> None:
        if folder.is_dir():
            return
        folder.mkdir(parents=True, exist_ok=True)
        _flush_folder(folder.parent)
        _flush_folder(folder.parent.parent)


def _holds(path: Path, data: bytes) -> bool:
    """Tell whether the file is there with these bytes; a damaged one is written again."""
    try:
        return path.stat().st_size == len(data) and path.read_bytes() == data
    except OSError:
        return False


def _write_durably(path: Path, data: bytes) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())


def _flush_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
