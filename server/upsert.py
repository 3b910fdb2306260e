"""Inserts rows unless their unique keys are already there, without failing the transaction."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from typing import Any

from sqlalchemy.dialects.postgresql import insert as postgresql_insert
from sqlalchemy.dialects.sqlite import insert as sqlite_insert
from sqlalchemy.orm import Session

from models import Base, new_id


def insert_once(
    session: Session, table: type[Base], *, key: str, values: dict[str, Any]
) -> uuid.UUID | None:
    """Insert `values` into `table`; return the new row's id, or None when `key` exists.

    On PostgreSQL a concurrent insert of the same key waits for the other transaction to end, so of
    two equal facts at the same moment the second one sees the first.
    """
    backend = session.get_bind().dialect.name
    insert = sqlite_insert if backend == "sqlite" else postgresql_insert
    row_id = new_id()
    statement = (
        insert(table).values(id=row_id, **values).on_conflict_do_nothing(index_elements=[key])
    )
    inserted = session.execute(statement.returning(table.__table__.c.id)).scalar_one_or_none()
    return row_id if inserted is not None else None


def insert_missing(
    session: Session, table: type[Base], *, keys: Sequence[str], rows: Sequence[dict[str, Any]]
) -> None:
    """Insert those of ``rows`` whose ``keys`` together are not there yet."""
    backend = session.get_bind().dialect.name
    insert = sqlite_insert if backend == "sqlite" else postgresql_insert
    statement = insert(table).on_conflict_do_nothing(index_elements=list(keys))
    session.execute(statement, [{"id": new_id(), **row} for row in rows])
