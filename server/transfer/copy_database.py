"""``flask db copy``: all rows into another database, SQLite to PostgreSQL or any other way."""

from __future__ import annotations

from collections.abc import Iterator

from sqlalchemy import Connection

from server.db import Database, head_revision
from server.transfer.load import load_rows, make_schema, require_empty
from server.transfer.report import Progress, TransferRefused, ignore_progress
from server.transfer.rows import Digest, Row, TableShape, digest_rows, list_shapes, read_rows


class DatabaseSource:
    """The rows of one state of a database."""

    def __init__(self, connection: Connection, revision: str) -> None:
        self.revision = revision
        self.shapes = list_shapes()
        self._connection = connection
        self._digests: dict[str, Digest] = {}

    def read(self, shape: TableShape) -> Iterator[Row]:
        """Yield the rows of one table."""
        return read_rows(self._connection, shape)

    def digest_of(self, shape: TableShape) -> Digest:
        """Return count and hash of one table."""
        if shape.name not in self._digests:
            self._digests[shape.name] = digest_rows(self._connection, shape)
        return self._digests[shape.name]


def copy_database(
    source: Database, target: Database, progress: Progress = ignore_progress
) -> dict[str, int]:
    """Copy everything and return the rows of each table.

    Encrypted fields stay readable with the same keys: they are bound to their row's id, which
    does not change. Both sides are at the newest schema afterwards.

    Raises:
        TransferRefused: the source is not at the newest schema, the target holds rows, or what
            was written differs from what was read. The target is left without rows.
    """
    revision = source.current_revision()
    if revision is None or revision != head_revision():
        raise TransferRefused("the source is not at the newest schema; run `flask db upgrade`")
    require_empty(target)
    make_schema(target, revision)
    with source.snapshot() as connection:
        rows = DatabaseSource(connection, revision)
        load_rows(target, rows, progress)
        return {shape.name: rows.digest_of(shape).count for shape in rows.shapes}
