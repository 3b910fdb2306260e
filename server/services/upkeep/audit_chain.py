"""The audit log is a chain: every entry is sealed by a hash over it and all that came before.

A sweeper seals what has been committed, a few seconds later, in the order in which it finds the
entries. So no act waits for another one's place in the chain: entries that carried the hash of the
one before would let all staff queue at one row until the slowest transaction ends. What is not yet
sealed can still be forged unseen by whoever owns the database; after that the chain breaks.

The hash covers what is *stored*, never what it decrypts to: a key that is destroyed, or one that is
rotated elsewhere, leaves the chain whole. Columns that are NULL are left out of it, so a column
that the log gets later (it must be nullable) changes nothing of the entries that are there.

Whoever owns the database could still write the whole chain anew. ``flask check`` prints its head,
and the worker logs it: one that was kept elsewhere is compared with ``--audit-head``.
"""

from __future__ import annotations

import base64
import datetime as dt
import hashlib
import json
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import structlog
from sqlalchemy import Column, MetaData, Select, Table, TypeDecorator, exists, insert, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from models import AuditEntry, AuditSeal, UtcDateTime
from server.context import Context

log = structlog.get_logger()

PAGE = 500
BEFORE_THE_FIRST = bytes(32)
LOOK_BACK = dt.timedelta(hours=1)
"""How much older than the newest sealed one an entry may be to be found by the frequent round:
longer than a transaction lasts. The hourly round looks at all."""
RANDOM_BITS = 80
"""The bits of a UUID of version 7 behind its milliseconds."""


@dataclass(frozen=True)
class ChainHead:
    """The last seal: how many there are, and the hash that stands for all of them."""

    number: int
    hash: bytes

    def __str__(self) -> str:
        return f"{self.number}:{self.hash.hex()}"


def _make_stored_table() -> Table:
    """Return the log without the types that encrypt or decrypt: its bytes as they are stored."""
    columns: list[Column[Any]] = []
    for column in AuditEntry.__table__.columns:
        kind = column.type
        if isinstance(kind, TypeDecorator) and not isinstance(kind, UtcDateTime):
            kind = kind.impl_instance
        columns.append(Column(column.name, kind))
    return Table(AuditEntry.__tablename__, MetaData(), *columns)


STORED = _make_stored_table()


def link(previous: bytes, row: Mapping[str, Any]) -> bytes:
    """Return the hash of an entry behind the one whose hash is ``previous``.

    The same on SQLite and PostgreSQL, before and after a backup: names and values as JSON in order.
    """
    values = {name: _plain(value) for name, value in row.items() if value is not None}
    line = json.dumps(values, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(previous + line.encode()).digest()


def _plain(value: Any) -> Any:
    if isinstance(value, uuid.UUID):
        return str(value)
    if isinstance(value, dt.datetime):
        return value.isoformat()
    if isinstance(value, bytes):
        return base64.b64encode(value).decode()
    return value


def read_head(session: Session) -> ChainHead:
    """Return the head of the chain; number 0 where nothing is sealed."""
    query = (
        select(AuditSeal.number, AuditSeal.chain_hash).order_by(AuditSeal.number.desc()).limit(1)
    )
    row = session.execute(query).one_or_none()
    return ChainHead(row.number, row.chain_hash) if row else ChainHead(0, BEFORE_THE_FIRST)


def find_hash(session: Session, number: int) -> bytes | None:
    """Return the hash of one seal."""
    return session.scalar(select(AuditSeal.chain_hash).where(AuditSeal.number == number))


def seal_audit(ctx: Context) -> int:
    """Seal the entries of the last hour that are not yet; returns how many."""
    return _seal(ctx, look_back=LOOK_BACK)


def seal_late_audit(ctx: Context) -> int:
    """Seal every entry that is not yet, however old it claims to be; returns how many."""
    return _seal(ctx, look_back=None)


def _seal(ctx: Context, *, look_back: dt.timedelta | None) -> int:
    count = 0
    while done := _seal_page(ctx, look_back):
        count += done
    if count:
        with ctx.db.read() as session:
            log.info("audit_sealed", head=str(read_head(session)))
    return count


def _seal_page(ctx: Context, look_back: dt.timedelta | None) -> int:
    """Seal a page in one transaction; 0 when nothing is left or another process seals just now."""
    with ctx.db.read() as session:
        query = _select_unsealed(session, look_back)
        if session.execute(query.limit(1)).first() is None:
            return 0
    try:
        with ctx.db.write() as session:
            head = read_head(session)
            number, last = head.number, head.hash
            seals = []
            for row in session.execute(query.limit(PAGE)).mappings():
                number, last = number + 1, link(last, dict(row))
                seals.append({"number": number, "entry_id": row["id"], "chain_hash": last})
            if seals:
                session.execute(insert(AuditSeal), seals)
            return len(seals)
    except IntegrityError:
        return 0


def _select_unsealed(session: Session, look_back: dt.timedelta | None) -> Select[Any]:
    query = select(STORED).where(~_is_sealed()).order_by(STORED.c.id)
    newest = session.scalar(select(AuditSeal.entry_id).order_by(AuditSeal.entry_id.desc()).limit(1))
    if look_back is None or newest is None:
        return query
    floor_ms = (newest.int >> RANDOM_BITS) - int(look_back.total_seconds() * 1000)
    return query.where(STORED.c.id >= _first_id_of(floor_ms))


def _is_sealed() -> Any:
    return exists(select(AuditSeal.number).where(AuditSeal.entry_id == STORED.c.id))


def _first_id_of(moment_ms: int) -> uuid.UUID:
    return uuid.UUID(int=max(moment_ms, 0) << RANDOM_BITS)


def find_break(session: Session) -> str | None:
    """Return the id of the first entry that is not what was sealed, None for a whole chain.

    Where the entry or a seal is missing, the number of the seal says where.
    """
    query = (
        select(AuditSeal.number, AuditSeal.entry_id, AuditSeal.chain_hash, STORED)
        .join(STORED, STORED.c.id == AuditSeal.entry_id, isouter=True)
        .order_by(AuditSeal.number)
        .execution_options(yield_per=PAGE)
    )
    last, expected = BEFORE_THE_FIRST, 1
    names = STORED.c.keys()
    with session.execute(query) as chain:
        for number, entry_id, sealed, *values in chain:
            row = dict(zip(names, values, strict=True))
            if number != expected:
                return f"seal {expected}"
            if row["id"] is None or link(last, row) != sealed:
                return str(entry_id)
            last, expected = sealed, expected + 1
    return None


def select_overdue(before: dt.datetime) -> Select[uuid.UUID]:
    """Select the entries of the day before a moment that nobody sealed; for a frequent look."""
    floor_ms = int((before - dt.timedelta(days=1)).timestamp() * 1000)
    return select(AuditEntry.id).where(
        AuditEntry.id >= _first_id_of(floor_ms),
        AuditEntry.at < before,
        ~exists(select(AuditSeal.number).where(AuditSeal.entry_id == AuditEntry.id)),
    )
