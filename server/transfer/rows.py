"""Rows in a neutral form: one line of JSON, the same for the same row on SQLite and PostgreSQL.

A ``TableShape`` says what the columns hold, in words that do not depend on the models of today,
so that a backup of an older schema can be read back into tables of that schema.
"""

from __future__ import annotations

import base64
import datetime as dt
import hashlib
import json
import uuid
from collections.abc import Callable, Iterable, Iterator
from dataclasses import asdict, dataclass
from typing import Any

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    Column,
    Connection,
    Date,
    Float,
    LargeBinary,
    MetaData,
    Table,
    Text,
    Uuid,
    bindparam,
    func,
    select,
)
from sqlalchemy.types import TypeEngine

from models import Base, UtcDateTime

BATCH = 500
Row = tuple[Any, ...]


@dataclass(frozen=True)
class Kind:
    """One kind of value: its column type, and its way to JSON and back (None stays None)."""

    make_type: Callable[[], TypeEngine[Any]]
    to_json: Callable[[Any], Any]
    from_json: Callable[[Any], Any]


def _same(value: Any) -> Any:
    return value


KINDS = {
    "uuid": Kind(Uuid, str, uuid.UUID),
    "time": Kind(UtcDateTime, lambda v: v.isoformat(), dt.datetime.fromisoformat),
    "date": Kind(Date, lambda v: v.isoformat(), dt.date.fromisoformat),
    "bytes": Kind(LargeBinary, lambda v: base64.b64encode(v).decode(), base64.b64decode),
    "json": Kind(lambda: JSON(none_as_null=True), _same, _same),
    "bool": Kind(Boolean, _same, _same),
    "float": Kind(Float, _same, _same),
    "int": Kind(BigInteger, _same, _same),
    "text": Kind(Text, _same, _same),
}
_KIND_OF_PYTHON = {
    uuid.UUID: "uuid",
    dt.datetime: "time",
    dt.date: "date",
    bytes: "bytes",
    dict: "json",
    bool: "bool",
    float: "float",
    int: "int",
}


@dataclass(frozen=True)
class TableShape:
    """A table as it stands in a backup.

    ``deferred`` columns point at tables that are filled later; they get their values at the end.
    """

    name: str
    columns: dict[str, str]
    primary_key: list[str]
    deferred: list[str]

    def make_table(self) -> Table:
        """Return a table of this shape, without constraints."""
        columns = [Column(name, KINDS[kind].make_type()) for name, kind in self.columns.items()]
        return Table(self.name, MetaData(), *columns)

    def encode(self, row: Row) -> bytes:
        """Return one line, without its end."""
        values = [
            None if value is None else KINDS[kind].to_json(value)
            for kind, value in zip(self.columns.values(), row, strict=True)
        ]
        return json.dumps(
            values, ensure_ascii=False, sort_keys=True, separators=(",", ":")
        ).encode()

    def decode(self, line: bytes) -> Row:
        """Return the row of one line; raises ValueError."""
        values = json.loads(line)
        return tuple(
            None if value is None else KINDS[kind].from_json(value)
            for kind, value in zip(self.columns.values(), values, strict=True)
        )

    def as_json(self) -> dict[str, Any]:
        """Return the shape for a manifest."""
        return asdict(self)


@dataclass
class Digest:
    """Count and hash of many rows, whatever their order: the sum of their SHA-256."""

    count: int = 0
    total: int = 0

    def add(self, line: bytes) -> None:
        """Take one row in."""
        self.count += 1
        self.total = (self.total + int.from_bytes(hashlib.sha256(line).digest())) % (1 << 256)

    def as_json(self) -> dict[str, Any]:
        """Return both as they stand in a manifest."""
        return {"rows": self.count, "digest": f"{self.total:064x}"}


def list_shapes() -> list[TableShape]:
    """Return the tables of the models, each after those that it points at."""
    return [_shape_of(table) for table in Base.metadata.sorted_tables]


def _shape_of(table: Table) -> TableShape:
    return TableShape(
        name=table.name,
        columns={column.name: _kind_of(column) for column in table.columns},
        primary_key=[column.name for column in table.primary_key],
        deferred=[
            column.name
            for constraint in table.foreign_key_constraints
            if constraint.use_alter
            for column in constraint.columns
        ],
    )


def _kind_of(column: Column[Any]) -> str:
    if isinstance(column.type, JSON):
        return "json"
    if isinstance(column.type, UtcDateTime):
        return "time"
    return _KIND_OF_PYTHON.get(column.type.python_type, "text")


def read_rows(connection: Connection, shape: TableShape) -> Iterator[Row]:
    """Yield every row of a table, a batch in memory at a time."""
    query = select(shape.make_table())
    streamed = connection.execution_options(stream_results=True, yield_per=BATCH).execute(query)
    for row in streamed:
        yield tuple(row)


def count_rows(connection: Connection, shape: TableShape) -> int:
    """Return how many rows a table has."""
    return connection.scalar(select(func.count()).select_from(shape.make_table())) or 0


def digest_rows(connection: Connection, shape: TableShape) -> Digest:
    """Return count and hash of a table."""
    digest = Digest()
    for row in read_rows(connection, shape):
        digest.add(shape.encode(row))
    return digest


def insert_rows(connection: Connection, shape: TableShape, rows: Iterable[Row]) -> Iterator[int]:
    """Insert rows batch by batch, deferred columns empty; yields how many each batch had."""
    statement = shape.make_table().insert()
    for batch in _in_batches(rows):
        values = [dict(zip(shape.columns, row, strict=True)) for row in batch]
        for each in values:
            each.update(dict.fromkeys(shape.deferred))
        connection.execute(statement, values)
        yield len(batch)


def fill_deferred(connection: Connection, shape: TableShape, rows: Iterable[Row]) -> None:
    """Give the deferred columns their values, now that every table is there."""
    table = shape.make_table()
    is_row = [table.c[key] == bindparam(f"key_{key}") for key in shape.primary_key]
    for batch in _in_batches(rows):
        values = [dict(zip(shape.columns, row, strict=True)) for row in batch]
        for name in shape.deferred:
            changes = [
                {f"key_{key}": each[key] for key in shape.primary_key}
                | {"value_to_set": each[name]}
                for each in values
                if each[name] is not None
            ]
            if changes:
                statement = table.update().where(*is_row).values({name: bindparam("value_to_set")})
                connection.execute(statement, changes)


def _in_batches(rows: Iterable[Row]) -> Iterator[list[Row]]:
    batch: list[Row] = []
    for row in rows:
        batch.append(row)
        if len(batch) == BATCH:
            yield batch
            batch = []
    if batch:
        yield batch
