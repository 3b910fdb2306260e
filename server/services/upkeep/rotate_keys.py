"""``flask rotate-keys``: every encrypted field under the first of FIELD_KEYS.

It runs beside the service: a page of rows is one short transaction, and a row that somebody
changed meanwhile is left to its new value. An interrupted run is repeated; what is done is done.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from sqlalchemy import func, select, update
from sqlalchemy.orm import InstrumentedAttribute, Session

from models import (
    FaceEncoding,
    FaceReference,
    FieldCipher,
    FieldUnreadable,
    Heartbeat,
    describe_place,
)
from models.encrypted_columns import (
    EncryptedColumn,
    IndexColumn,
    list_encrypted_columns,
    list_index_columns,
)
from server.context import Context
from server.errors import CaijiError

PAGE = 200
WORKER_SILENT_S = 30
Progress = Callable[[str, int, int], None]
UNDER_FACE_KEYS: tuple[
    tuple[InstrumentedAttribute[uuid.UUID], InstrumentedAttribute[bytes]], ...
] = (
    (FaceEncoding.photo_id, FaceEncoding.sealed),
    (FaceReference.enrolment_id, FaceReference.face_sealed),
    (FaceReference.enrolment_id, FaceReference.picture_sealed),
)
"""Row key and column of what is sealed with FACE_KEYS, which are no field keys."""


class ServiceRuns(CaijiError):
    """The index key cannot change under a running service."""

    code = "service_runs"
    status = 409
    message = "服务仍在运行：请先停止所有 web 和 worker 进程"


@dataclass
class Rotation:
    """What one run did."""

    rewritten: int = 0
    current: int = 0
    unreadable: int = 0


def rotate_keys(ctx: Context, progress: Progress) -> Rotation:
    """Encrypt anew what does not use the first key; owns its transactions."""
    done = Rotation()
    for place in list_encrypted_columns():
        label = f"{place.table.name}.{place.column.name}"
        with ctx.db.read() as session:
            total = _count(session, place)
        seen = 0
        for page in _pages(ctx, place):
            _rotate_page(ctx, place, page, done)
            seen += len(page)
            progress(label, seen, max(total, seen))
    for key, column in UNDER_FACE_KEYS:
        _rotate_sealed(ctx, key, column, progress, done)
    return done


def _rotate_sealed(
    ctx: Context,
    key: InstrumentedAttribute[uuid.UUID],
    column: InstrumentedAttribute[bytes],
    progress: Progress,
    done: Rotation,
) -> None:
    if ctx.face_cipher is None:
        return
    table = column.class_.__tablename__
    with ctx.db.read() as session:
        ids = session.scalars(select(key).where(column != b"").order_by(key)).all()
    for count, row_id in enumerate(ids, 1):
        place = describe_place(table, column.key, row_id)
        with ctx.db.read() as session:
            sealed = session.scalar(select(column).where(key == row_id))
        try:
            if not sealed or ctx.face_cipher.is_current(sealed):
                done.current += bool(sealed)
                continue
            plain = ctx.face_cipher.decrypt_bytes(sealed, place=place)
        except FieldUnreadable:
            done.unreadable += 1
            continue
        with ctx.db.write() as session:
            session.execute(
                update(column.class_)
                .where(key == row_id, column == sealed)
                .values({column.key: ctx.face_cipher.encrypt(plain, place=place)})
            )
        done.rewritten += 1
        progress(f"{table}.{column.key}", count, len(ids))


def _count(session: Session, place: EncryptedColumn) -> int:
    query = select(func.count()).where(place.column.is_not(None)).select_from(place.table)
    return session.scalar(query) or 0


def _pages(ctx: Context, place: EncryptedColumn) -> Iterator[list[Any]]:
    """Yield key, binding and stored bytes of all rows, in the order of the key."""
    query = (
        select(place.key.label("id"), place.bound_to.label("bound"), place.column.label("stored"))
        .where(place.column.is_not(None))
        .order_by(place.key)
        .limit(PAGE)
    )
    last: object = None
    while True:
        with ctx.db.read() as session:
            page = list(session.execute(query if last is None else query.where(place.key > last)))
        if not page:
            return
        yield page
        last = page[-1].id


def _rotate_page(ctx: Context, place: EncryptedColumn, page: list[Any], done: Rotation) -> None:
    changes = []
    for row in page:
        try:
            if ctx.cipher.is_current(row.stored):
                done.current += 1
                continue
            plain = ctx.cipher.decrypt_bytes(row.stored, place=place.place_of(row.bound))
        except FieldUnreadable:
            done.unreadable += 1
            continue
        changes.append((row, ctx.cipher.encrypt(plain, place=place.place_of(row.bound))))
    if not changes:
        return
    with ctx.db.write() as session:
        for row, stored in changes:
            session.execute(
                update(place.table)
                .where(place.key == row.id, place.column == row.stored)
                .values({place.column.name: stored})
            )
            done.rewritten += 1


def rebuild_indexes(ctx: Context, progress: Progress) -> int:
    """Compute every keyed index anew with the present INDEX_KEY; returns how many rows.

    All in one transaction: a half-changed index finds nobody.

    Raises:
        ServiceRuns: a worker's heart still beats; look-ups with the former key would go wrong.
        FieldUnreadable: a row cannot be decrypted; nothing was changed.
    """
    _require_stopped(ctx)
    count = 0
    with ctx.db.write() as session:
        for index in list_index_columns():
            count += _rebuild(session, ctx.cipher, index, progress)
    return count


def _require_stopped(ctx: Context) -> None:
    with ctx.db.read() as session:
        beat = session.get(Heartbeat, "worker")
    if beat is not None and (ctx.now() - beat.at).total_seconds() < WORKER_SILENT_S:
        raise ServiceRuns


def _rebuild(session: Session, cipher: FieldCipher, index: IndexColumn, progress: Progress) -> int:
    source = index.source
    query = select(source.key, source.bound_to, source.column).where(source.column.is_not(None))
    rows = session.execute(query).all()
    for place, (row_id, bound, stored) in enumerate(rows, 1):
        plain = cipher.decrypt(stored, place=source.place_of(bound))
        value = cipher.index(plain, purpose=index.purpose)
        session.execute(
            update(source.table).where(source.key == row_id).values({index.column.name: value})
        )
        progress(f"{source.table.name}.{index.column.name}", place, len(rows))
    return len(rows)
