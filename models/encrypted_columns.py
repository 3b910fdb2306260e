"""Every encrypted column and every keyed index, found in the tables themselves.

A column of the name ``…_encrypted`` holds the stored form of ``models.encryption``. It is bound to
its row by the primary key, or by the column that its ``info["place"]`` names. An index column names
in ``info`` what it is computed from (``index_of``) and for which ``purpose``.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Column, Table

from models.base import Base
from models.encryption import describe_place

SUFFIX = "_encrypted"


@dataclass(frozen=True)
class EncryptedColumn:
    """One encrypted column, what identifies its rows, and what they are bound to."""

    table: Table
    column: Column[Any]
    key: Column[Any]
    bound_to: Column[Any]

    def place_of(self, bound_value: object) -> bytes:
        """Return the associated data of the row whose ``bound_to`` has this value."""
        return describe_place(self.table.name, self.column.name, bound_value)


@dataclass(frozen=True)
class IndexColumn:
    """One keyed index and the encrypted column that it finds again."""

    column: Column[Any]
    source: EncryptedColumn
    purpose: str


def list_encrypted_columns() -> Iterator[EncryptedColumn]:
    """Yield every encrypted column of every table."""
    for table in Base.metadata.sorted_tables:
        for column in table.columns:
            if column.name.endswith(SUFFIX):
                (key,) = table.primary_key.columns
                bound_to = table.columns[column.info.get("place", key.name)]
                yield EncryptedColumn(table, column, key, bound_to)


def list_index_columns() -> Iterator[IndexColumn]:
    """Yield every keyed index of every table."""
    for source in list_encrypted_columns():
        for column in source.table.columns:
            if column.info.get("index_of") == source.column.name:
                yield IndexColumn(column, source, column.info["purpose"])
