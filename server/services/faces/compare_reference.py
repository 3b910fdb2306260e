"""A student's photos beside the reference that the college imported: unlike is a hint.

The reference is measured in the isolated child like a photo, a few in a round.
"""

from __future__ import annotations

import uuid

import numpy as np
import structlog
from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from models import Enrolment, FaceEncoding, FaceHint, FaceHintKind, FaceReference
from server.context import Context
from server.services.collection import lock_enrolment
from server.services.faces.allow import list_switched_on, may_compare
from server.services.faces.limits import UNLIKE, find_unlike_step
from server.services.faces.read_face import FaceReader, open_encoding
from server.services.faces.references import place_of
from server.services.faces.search import Encoding, pack_encoding, unpack_encoding

log = structlog.get_logger()

ROUND = 20


def measure_due_references(ctx: Context, reader: FaceReader) -> int:
    """Measure references that were not yet; returns how many. Owns its transactions."""
    with ctx.db.read() as session:
        due = session.scalars(
            select(FaceReference.enrolment_id)
            .where(
                FaceReference.institution_id.in_(list_switched_on(ctx, session)),
                FaceReference.measured_at.is_(None),
            )
            .order_by(FaceReference.imported_at)
            .limit(ROUND)
        ).all()
    return sum(_measure(ctx, reader, enrolment_id) for enrolment_id in due)


def has_due_references(ctx: Context, session: Session) -> bool:
    """Tell whether a reference waits to be measured."""
    query = select(FaceReference.enrolment_id).where(
        FaceReference.institution_id.in_(list_switched_on(ctx, session)),
        FaceReference.measured_at.is_(None),
    )
    return session.scalars(query.limit(1)).first() is not None


def _measure(ctx: Context, reader: FaceReader, enrolment_id: uuid.UUID) -> bool:
    with ctx.db.read() as session:
        row = session.get(FaceReference, enrolment_id)
        owner = session.get_one(Enrolment, enrolment_id)
        if row is None or not may_compare(ctx, session, owner):
            return False
        assert ctx.face_cipher is not None, "asked before"
        place = place_of("picture_sealed", enrolment_id)
        picture = ctx.face_cipher.decrypt_bytes(row.picture_sealed, place=place)
    try:
        values = reader.encode_face(picture)
    except ValueError:
        values = None
    with ctx.db.write() as session:
        enrolment = lock_enrolment(session, enrolment_id)
        row = session.get(FaceReference, enrolment_id)
        # Asked again behind the lock: a consent may have been withdrawn, a new picture imported.
        if enrolment is None or row is None or row.measured_at is not None:
            return False
        if not may_compare(ctx, session, enrolment):
            return False
        row.measured_at = ctx.now()
        if values is not None:
            row.face_sealed = ctx.face_cipher.encrypt(
                pack_encoding(values), place=place_of("face_sealed", enrolment_id)
            )
        session.flush()
        for photo_id, sealed in _list_measured(session, enrolment_id):
            note_unlike_reference(
                ctx, session, enrolment, photo_id, open_encoding(ctx, photo_id, sealed)
            )
    log.info("reference_measured", enrolment_id=str(enrolment_id), is_found=values is not None)
    return True


def _list_measured(session: Session, enrolment_id: uuid.UUID) -> list[tuple[uuid.UUID, bytes]]:
    rows = session.execute(
        select(FaceEncoding.photo_id, FaceEncoding.sealed).where(
            FaceEncoding.enrolment_id == enrolment_id, FaceEncoding.sealed != b""
        )
    )
    return [(row[0], row[1]) for row in rows]


def note_unlike_reference(
    ctx: Context, session: Session, enrolment: Enrolment, photo_id: uuid.UUID, face: Encoding
) -> None:
    """Write down whether a photo is unlike the student's reference, where there is one."""
    row = session.get(FaceReference, enrolment.id)
    if row is None or not row.face_sealed or ctx.face_cipher is None:
        return
    kept = ctx.face_cipher.decrypt_bytes(
        row.face_sealed, place=place_of("face_sealed", enrolment.id)
    )
    distance = float(np.linalg.norm(unpack_encoding(kept) - face))
    kind = FaceHintKind.UNLIKE_REFERENCE
    session.execute(delete(FaceHint).where(FaceHint.photo_id == photo_id, FaceHint.kind == kind))
    if distance > UNLIKE[-1]:
        session.add(
            FaceHint(
                institution_id=enrolment.institution_id,
                photo_id=photo_id,
                other_photo_id=None,
                kind=kind,
                step=find_unlike_step(distance),
                found_at=ctx.now(),
            )
        )
