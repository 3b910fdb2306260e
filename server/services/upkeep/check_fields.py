"""``flask check``: can every encrypted field be read, and is every index that of its field?

Columns are found in the tables themselves, so a new one is looked at without a line here.
"""

from __future__ import annotations

from collections.abc import Iterator

from sqlalchemy import select
from sqlalchemy.orm import Session

from models import FieldUnreadable
from models.encrypted_columns import EncryptedColumn, list_encrypted_columns, list_index_columns
from server.context import Context

PAGE = 1000


def check_fields(session: Session, ctx: Context) -> Iterator[tuple[str, str]]:
    """Yield kind and subject (table, column and key) of every field that is not what it should be.

    ``field_unreadable``: no key of ours opens it, or it was moved from another row.
    ``index_differs``: its row cannot be found by it.
    """
    indexes = {each.source.column: each for each in list_index_columns()}
    for place in list_encrypted_columns():
        index = indexes.get(place.column)
        columns = [place.key, place.bound_to, place.column]
        if index is not None:
            columns.append(index.column)
        query = select(*columns).where(place.column.is_not(None))
        for row in session.execute(query.execution_options(yield_per=PAGE)):
            subject = f"{place.table.name}.{place.column.name} {row[0]}"
            plain = _open(ctx, place, row[1], row[2])
            if plain is None:
                yield "field_unreadable", subject
            elif index is not None and row[3] is not None:
                expected = ctx.cipher.index(plain.decode(errors="replace"), purpose=index.purpose)
                if bytes(row[3]) != expected:
                    yield "index_differs", subject


def _open(ctx: Context, place: EncryptedColumn, bound: object, stored: bytes) -> bytes | None:
    try:
        return ctx.cipher.decrypt_bytes(stored, place=place.place_of(bound))
    except FieldUnreadable:
        return None
