"""``flask check``: is every face that is kept of somebody who agreed, and can it still be read?"""

from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import Iterator

from sqlalchemy import Select, func, select
from sqlalchemy.orm import Session

from models import (
    Batch,
    Enrolment,
    FaceEncoding,
    FaceReference,
    FaceSwitch,
    FieldUnreadable,
    describe_place,
)
from server.context import Context
from server.services.faces.allow import consents

LATE = dt.timedelta(days=1)
"""After the closing of a batch: a stopped worker does not make it wrong at once."""
OVERDUE = {"face_kept_too_long"}
"""Kinds that only say that nobody has acted yet."""
PAGE = 200


def check_faces(
    session: Session, ctx: Context, *, has_to_read: bool = False
) -> Iterator[tuple[str, str]]:
    """Yield kind and enrolment of every measurement or reference that should not be as it is.

    ``face_without_consent``: its owner does not agree (any more), or the college compares no
    faces; ``face_kept_too_long``: the batch has been closed; ``reference_without_picture``: there
    is nothing to show; ``face_unreadable``: no key of ours opens it, or it was moved.
    """
    yield from _check_consents(session)
    for enrolment_id in session.scalars(_select_kept_too_long(ctx.now() - LATE)):
        yield "face_kept_too_long", str(enrolment_id)
    is_empty = func.length(FaceReference.picture_sealed) == 0
    for enrolment_id in session.scalars(select(FaceReference.enrolment_id).where(is_empty)):
        yield "reference_without_picture", str(enrolment_id)
    if has_to_read:
        yield from _check_seals(session, ctx)


def _select_with_faces() -> Select[uuid.UUID]:
    return select(Enrolment.id).where(
        Enrolment.id.in_(select(FaceEncoding.enrolment_id))
        | Enrolment.id.in_(select(FaceReference.enrolment_id))
    )


def _check_consents(session: Session) -> Iterator[tuple[str, str]]:
    colleges = _select_with_faces().with_only_columns(Enrolment.institution_id).distinct()
    for institution_id in session.scalars(colleges).all():
        wrong = _select_with_faces().where(Enrolment.institution_id == institution_id)
        switch = session.get(FaceSwitch, institution_id)
        if switch is not None and switch.is_on:
            wrong = wrong.where(~consents(session, institution_id))
        for enrolment_id in session.scalars(wrong):
            yield "face_without_consent", str(enrolment_id)


def _select_kept_too_long(before: dt.datetime) -> Select[uuid.UUID]:
    return (
        _select_with_faces()
        .join(Batch, Batch.id == Enrolment.batch_id)
        .where(Batch.closed_at < before)
    )


def _check_seals(session: Session, ctx: Context) -> Iterator[tuple[str, str]]:
    """Open everything, a page of pictures in memory at a time."""
    sources = (
        ("face_encoding", FaceEncoding.photo_id, FaceEncoding.sealed),
        ("face_reference", FaceReference.enrolment_id, FaceReference.picture_sealed),
        ("face_reference", FaceReference.enrolment_id, FaceReference.face_sealed),
    )
    for table, row_id, column in sources:
        query = select(row_id, column).where(func.length(column) > 0)
        for key, sealed in session.execute(query.execution_options(yield_per=PAGE)):
            if not _can_open(ctx, sealed, describe_place(table, column.key, key)):
                yield "face_unreadable", f"{table}.{column.key} {key}"


def _can_open(ctx: Context, sealed: bytes, place: bytes) -> bool:
    if ctx.face_cipher is None:
        return False
    try:
        ctx.face_cipher.decrypt_bytes(sealed, place=place)
    except FieldUnreadable:
        return False
    return True
