"""The folder that ``flask backup`` fills: snapshots of the database, and photos that they share.

::

    DIR/photos/originals/ab/abcd….bin       every photo once, whatever number of snapshots need it
    DIR/snapshots/20261110T190000Z/manifest.json
                                  /tables/enrolment.jsonl.gz …
                                  /photos.txt.gz        one line a photo: its key

A snapshot appears under its name only when it is whole. Photos are named by their hash.
"""

from __future__ import annotations

import contextlib
import fcntl
import gzip
import hashlib
import json
import os
import shutil
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from server.gateways.photo_store import FolderPhotoStore
from server.transfer.report import TransferRefused
from server.transfer.rows import Digest, Row, TableShape

FORMAT = 1
HASH_CHUNK_BYTES = 1 << 20


@dataclass
class Manifest:
    """What a snapshot holds. ``tables`` are in the order in which they are filled."""

    made_at: str
    revision: str
    tables: list[dict[str, Any]]
    photo_count: int
    photos_sha256: str
    field_keys: dict[str, str]
    """Id of each key that the rows need, to its fingerprint. The keys are not in the backup."""
    index_key: str
    missing_photos: list[str] = field(default_factory=list)
    """Keys that rows name and the store did not have when the backup was made."""
    format: int = FORMAT


class Snapshot:
    """One snapshot, readable as a source of rows. Nothing is verified by opening it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        try:
            values = json.loads((folder / "manifest.json").read_bytes())
            if values.get("format") != FORMAT:
                raise TransferRefused(f"{folder.name}: this version cannot read its format")
            self.manifest = Manifest(**values)
            self._tables = {each["shape"]["name"]: each for each in self.manifest.tables}
            self.shapes = [TableShape(**each["shape"]) for each in self.manifest.tables]
        except (OSError, ValueError, TypeError, KeyError, AttributeError) as error:
            raise TransferRefused(f"{folder.name}: its manifest cannot be read") from error

    @property
    def revision(self) -> str:
        """The revision of the schema that the rows fit."""
        return self.manifest.revision

    def read(self, shape: TableShape) -> Iterator[Row]:
        """Yield the rows of one table."""
        with gzip.open(self.path_of(shape.name)) as lines:
            for line in lines:
                yield shape.decode(line)

    def digest_of(self, shape: TableShape) -> Digest:
        """Return what the rows of one table add up to."""
        entry = self._tables[shape.name]
        return Digest(entry["rows"], int(entry["digest"], 16))

    def list_photo_keys(self) -> Iterator[str]:
        """Yield the keys of the photos that the snapshot needs."""
        with gzip.open(self.folder / "photos.txt.gz", "rt") as lines:
            for line in lines:
                yield line.rstrip("\n")

    def list_damaged_files(self) -> Iterator[str]:
        """Yield the names of the snapshot's files that are not what the manifest says."""
        for name, entry in self._tables.items():
            if _hash_file(self.path_of(name)) != entry["sha256"]:
                yield f"tables/{name}.jsonl.gz"
        if _hash_file(self.folder / "photos.txt.gz") != self.manifest.photos_sha256:
            yield "photos.txt.gz"

    def path_of(self, table: str) -> Path:
        """Return the file of one table."""
        return self.folder / "tables" / f"{table}.jsonl.gz"


class BackupFolder:
    """The whole folder: its snapshots and its photos."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.photos = FolderPhotoStore(folder / "photos")

    def list_names(self) -> list[str]:
        """Return the names of the whole snapshots, the oldest first."""
        return sorted(path.name for path in (self.folder / "snapshots").glob("*Z") if path.is_dir())

    def open(self, name: str | None = None) -> Snapshot:
        """Return one snapshot, the newest by default; raises TransferRefused."""
        names = self.list_names()
        if not names or (name is not None and name not in names):
            wanted = f"snapshot {name}" if name else "snapshot"
            raise TransferRefused(f"there is no {wanted} in {self.folder}")
        return Snapshot(self.folder / "snapshots" / (name or names[-1]))

    @contextlib.contextmanager
    def lock(self) -> Iterator[None]:
        """Keep a second backup out of the folder; raises TransferRefused."""
        try:
            self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            descriptor = os.open(self.folder / ".lock", os.O_RDWR | os.O_CREAT, 0o600)
        except OSError as error:
            raise TransferRefused(f"{self.folder} cannot be written") from error
        with os.fdopen(descriptor) as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError as error:
                raise TransferRefused("another backup is writing into this folder") from error
            yield

    def begin(self, name: str) -> Path:
        """Return the folder of a new snapshot, not yet under its name."""
        for rest in (self.folder / "snapshots").glob("*.partial"):
            shutil.rmtree(rest)
        partial = self.folder / "snapshots" / f"{name}.partial"
        (partial / "tables").mkdir(parents=True, mode=0o700)
        return partial

    def finish(self, partial: Path, manifest: Manifest) -> Snapshot:
        """Write the manifest and give the snapshot its name."""
        text = json.dumps(asdict(manifest), ensure_ascii=False, indent=1)
        write_file(partial / "manifest.json", [text.encode()])
        final = partial.with_suffix("")
        partial.rename(final)
        flush_folder(final.parent)
        return Snapshot(final)

    def keep_newest(self, count: int) -> int:
        """Delete older snapshots and the photos that none needs any more; returns how many."""
        for name in self.list_names()[:-count]:
            shutil.rmtree(self.folder / "snapshots" / name)
        needed = {key for name in self.list_names() for key in self.open(name).list_photo_keys()}
        superfluous = [key for key in self.photos.list_keys() if key not in needed]
        for key in superfluous:
            self.photos.delete(key)
        return len(superfluous)


def write_file(path: Path, chunks: Iterable[bytes]) -> None:
    """Write and flush one file that only its owner may read."""
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        for chunk in chunks:
            file.write(chunk)
        file.flush()
        os.fsync(file.fileno())


def write_lines(path: Path, lines: Iterable[bytes]) -> str:
    """Write lines, compressed and flushed; returns the SHA-256 of the file."""
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        with gzip.GzipFile(fileobj=file, mode="wb", filename="", mtime=0, compresslevel=5) as out:
            for line in lines:
                out.write(line + b"\n")
        file.flush()
        os.fsync(file.fileno())
    return _hash_file(path) or ""


def _hash_file(path: Path) -> str | None:
    """Return the SHA-256 of a file, None when it cannot be read."""
    digest = hashlib.sha256()
    try:
        with path.open("rb") as file:
            while chunk := file.read(HASH_CHUNK_BYTES):
                digest.update(chunk)
    except OSError:
        return None
    return digest.hexdigest()


def flush_folder(folder: Path) -> None:
    """Make the names in a folder durable."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
