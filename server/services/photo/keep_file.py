"""Files and the rows that name them: neither without the other.

A file is written before its row, so a crash leaves at most a file that nobody knows, which
``remove_orphans`` deletes. Keys are made from the content: the file that one student's row is about
to name may be the one that is being deleted. Two rules keep that safe. Deleting happens under a
lock that every transaction writing a key shares, so it sees all such rows. And who stored a file
looks again once the row is committed.
"""

from __future__ import annotations

import contextlib
import datetime as dt
from collections.abc import Iterator, Sequence

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from models import Photo
from server.context import Context
from server.gateways.photo_store import PhotoMissing

FILES_LOCK = 0x43414A49
"""Number of PostgreSQL's advisory lock. SQLite has one writer at a time anyway."""


@contextlib.contextmanager
def keep_file(ctx: Context, key: str, data: bytes) -> Iterator[None]:
    """Store ``data``; the block commits the row that names ``key``.

    Raises:
        PhotoStoreUnavailable: nothing was stored, or the file is not there after all.
    """
    ctx.photo_store.put(key, data)
    yield
    if not ctx.photo_store.has(key):
        ctx.photo_store.put(key, data)


def share_files(session: Session) -> None:
    """Let no file be deleted until this transaction, which writes a key, has ended."""
    if session.get_bind().dialect.name == "postgresql":
        session.execute(select(func.pg_advisory_xact_lock_shared(FILES_LOCK)))


def delete_unreferenced(ctx: Context, key: str, *, not_after: dt.datetime) -> bool:
    """Delete the file unless a row names it or it was written after ``not_after``.

    Returns whether it was deleted. Raises PhotoStoreUnavailable.
    """
    with ctx.db.write() as session:
        if session.get_bind().dialect.name == "postgresql":
            session.execute(select(func.pg_advisory_xact_lock(FILES_LOCK)))
        if is_referenced(session, key):
            return False
        try:
            is_young = ctx.photo_store.modified_at(key) > not_after
        except PhotoMissing:
            return False
        if not is_young:
            ctx.photo_store.delete(key)
    return not is_young


def is_referenced(session: Session, key: str) -> bool:
    """Tell whether a photo's row names this key."""
    return bool(find_referenced(session, [key]))


def find_referenced(session: Session, keys: Sequence[str]) -> set[str]:
    """Return those of ``keys`` that a photo's row names."""
    columns = (Photo.original_key, Photo.standard_key)
    queries = (select(column).where(column.in_(keys)) for column in columns)
    return {key for query in queries for key in session.scalars(query) if key is not None}
