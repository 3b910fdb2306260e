"""Fills an empty database with all rows of another one or of a backup, and proves that it did."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Protocol

from sqlalchemy import inspect, text

from models import Base
from server.db import Database
from server.transfer.report import Progress, TransferRefused
from server.transfer.rows import (
    Digest,
    Row,
    TableShape,
    count_rows,
    digest_rows,
    fill_deferred,
    insert_rows,
    list_shapes,
)

OUR_FUNCTIONS = ("refuse_change", "fill_photo_number")
"""What triggers call on PostgreSQL: dropping the tables leaves them."""


class RowSource(Protocol):
    """Where rows come from."""

    @property
    def revision(self) -> str:
        """The revision of the schema that the rows fit."""
        ...

    @property
    def shapes(self) -> list[TableShape]:
        """The tables, each after those that it points at."""
        ...

    def read(self, shape: TableShape) -> Iterator[Row]:
        """Yield the rows of one table; may be asked twice."""
        ...

    def digest_of(self, shape: TableShape) -> Digest:
        """Return what the rows of one table must add up to."""
        ...


def require_empty(db: Database) -> None:
    """Refuse a database that holds rows; raises TransferRefused."""
    with db.engine.connect() as connection:
        present = set(inspect(connection).get_table_names())
        for shape in list_shapes():
            if shape.name in present and count_rows(connection, shape):
                raise TransferRefused(f"the target is not empty: {shape.name} has rows")


def make_schema(db: Database, revision: str) -> None:
    """Drop our tables, with whatever they hold, and make those of ``revision``."""
    with db.engine.connect() as connection:
        present = set(inspect(connection).get_table_names())
    ours = present & {*Base.metadata.tables, "alembic_version"}
    if db.is_sqlite:
        _drop_on_sqlite(db, ours)
    else:
        _drop_on_postgresql(db, ours)
    db.migrate(revision)


def _drop_on_sqlite(db: Database, names: set[str]) -> None:
    connection = db.engine.raw_connection()
    cursor = connection.cursor()
    # Tables point at each other in a ring: no order of dropping them satisfies the foreign keys.
    cursor.execute("PRAGMA foreign_keys=OFF")
    cursor.execute("BEGIN IMMEDIATE")
    for name in names:
        cursor.execute(f"DROP TABLE {name}")
    cursor.execute("COMMIT")
    cursor.execute("PRAGMA foreign_keys=ON")
    connection.close()


def _drop_on_postgresql(db: Database, names: set[str]) -> None:
    with db.engine.begin() as connection:
        if names:
            connection.execute(text(f"DROP TABLE {', '.join(sorted(names))} CASCADE"))
        for name in OUR_FUNCTIONS:
            connection.execute(text(f"DROP FUNCTION IF EXISTS {name}()"))


def load_rows(db: Database, source: RowSource, progress: Progress) -> None:
    """Copy all rows in one transaction; it is kept only when counts and hashes agree.

    Raises:
        TransferRefused: a table is not what it should be. The target stays empty.
    """
    with db.engine.execution_options(is_writer=True).begin() as connection:
        for shape in source.shapes:
            total, done = source.digest_of(shape).count, 0
            for count in insert_rows(connection, shape, source.read(shape)):
                done += count
                progress(shape.name, done, total)
        for shape in source.shapes:
            if shape.deferred:
                fill_deferred(connection, shape, source.read(shape))
        for place, shape in enumerate(source.shapes, 1):
            if digest_rows(connection, shape) != source.digest_of(shape):
                raise TransferRefused(f"{shape.name} differs from its source; nothing was kept")
            progress("compare", place, len(source.shapes))
