"""Files and the rows that name them: neither without the other.

A file is written before its row, so a crash leaves at most a file that nobody knows, which
``remove_orphans`` deletes. Keys are made from the content: the file that one student's row is about
to name may be the one that is being deleted. Two rules keep that safe. Deleting happens under a
lock of the key, which every transaction that writes this key into a row shares, so it sees all such
rows. And who stored a file looks again once the row is committed.

The lock is one key's and not everybody's: deleting asks the store, and a store that hangs must hold
up nobody but who sends the very same bytes.
"""

from __future__ import annotations

import contextlib
import datetime as dt
import fcntl
import hashlib
import os
import time
from collections.abc import Iterator, Sequence

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from models import Photo, ProfilePhoto
from server.context import Context
from server.gateways.photo_store import PhotoMissing, PhotoStoreUnavailable

SHARE_WAIT_S = 1.0
"""How long a writer on SQLite waits for a key."""
POLL_S = 0.02


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


@contextlib.contextmanager
def write_keys(ctx: Context, *keys: str) -> Iterator[Session]:
    """Give a transaction that writes these keys; until it has ended nobody deletes their files.

    Raises:
        PhotoStoreUnavailable: one of them is being deleted and the store does not answer (SQLite;
            PostgreSQL raises OperationalError when its own time for a lock is over).
    """
    with contextlib.ExitStack() as held:
        for key in keys if ctx.db.is_sqlite else ():
            lock = _try_to_lock(ctx, key, fcntl.LOCK_SH, SHARE_WAIT_S)
            if lock is None:
                raise PhotoStoreUnavailable
            held.callback(os.close, lock)
        with ctx.db.write() as session:
            for key in () if ctx.db.is_sqlite else keys:
                session.execute(select(func.pg_advisory_xact_lock_shared(_number_of(key))))
            yield session


def delete_unreferenced(ctx: Context, key: str, *, not_after: dt.datetime) -> bool:
    """Delete the file unless a row names it or it was written after ``not_after``.

    Returns whether it was deleted. Raises PhotoStoreUnavailable.
    """
    with _hold_key(ctx, key) as session:
        if session is None or _is_referenced(session, key):
            return False
        try:
            is_young = ctx.photo_store.modified_at(key) > not_after
        except PhotoMissing:
            return False
        if not is_young:
            ctx.photo_store.delete(key)
    return not is_young


@contextlib.contextmanager
def _hold_key(ctx: Context, key: str) -> Iterator[Session | None]:
    """Give a session while no row can come to name ``key``; None where one is just being written.

    On SQLite it only reads: the store must not be waited for with the lock that all writers need.
    """
    if not ctx.db.is_sqlite:
        with ctx.db.write() as session:
            session.execute(select(func.pg_advisory_xact_lock(_number_of(key))))
            yield session
        return
    held = _try_to_lock(ctx, key, fcntl.LOCK_EX, 0)
    if held is None:
        yield None
        return
    try:
        with ctx.db.read() as session:
            yield session
    finally:
        os.close(held)


def _number_of(key: str) -> int:
    """Return the number of PostgreSQL's advisory lock for a key."""
    return int.from_bytes(hashlib.sha256(key.encode()).digest()[:8], "big", signed=True)


def _try_to_lock(ctx: Context, key: str, kind: int, wait_s: float) -> int | None:
    """Return an open lock on one of 256 files; None where the time is over. SQLite: one machine."""
    file = ctx.settings.data_dir / "locks" / f"{_number_of(key) & 0xFF:02x}"
    flags = os.O_RDWR | os.O_CREAT | os.O_CLOEXEC
    try:
        held = os.open(file, flags, 0o600)
    except FileNotFoundError:
        file.parent.mkdir(parents=True, exist_ok=True)
        held = os.open(file, flags, 0o600)
    deadline = time.monotonic() + wait_s
    while True:
        try:
            fcntl.flock(held, kind | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() >= deadline:
                os.close(held)
                return None
            time.sleep(POLL_S)
        else:
            return held


def _is_referenced(session: Session, key: str) -> bool:
    """Tell whether a photo's row names this key."""
    return bool(find_referenced(session, [key]))


def find_referenced(session: Session, keys: Sequence[str]) -> set[str]:
    """Return those of ``keys`` that a photo's row names."""
    columns = (Photo.original_key, Photo.standard_key, ProfilePhoto.file_key)
    queries = (select(column).where(column.in_(keys)) for column in columns)
    return {key for query in queries for key in session.scalars(query) if key is not None}
