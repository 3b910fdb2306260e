"""The worker's part: measure the faces of photos that passed, and compare them inside one college.

The measurement is made in the isolated child that judges photos, after the verdict and apart from
it: no verdict waits for it, and none depends on it.
"""

from __future__ import annotations

import threading
import uuid

import structlog
from sqlalchemy import select
from sqlalchemy.orm import Session

from models import (
    Batch,
    Enrolment,
    FaceEncoding,
    FaceHint,
    FaceHintKind,
    Photo,
    PhotoState,
    Verdict,
)
from server.context import Context
from server.gateways.photo_store import PhotoMissing
from server.services.collection import lock_enrolment
from server.services.faces.allow import consents, list_switched_on, may_compare
from server.services.faces.compare_reference import (
    has_due_references,
    measure_due_references,
    note_unlike_reference,
)
from server.services.faces.limits import LIKE, MOST_SHOWN, UNLIKE, find_step, find_unlike_step
from server.services.faces.read_face import (
    FaceReader,
    open_encoding,
    seal_encoding,
    start_reader,
)
from server.services.faces.search import Encoding, Faces, pack_encoding, unpack_encoding

log = structlog.get_logger()

ROUND = 20
MEASURED_STATES = (PhotoState.CHECKED, PhotoState.APPROVED, PhotoState.REJECTED)

_memory: dict[uuid.UUID, Faces] = {}
_turn = threading.Lock()


def measure_due_faces(ctx: Context, reader: FaceReader | None = None) -> int:
    """Measure what may be measured and was not yet; returns how many. Owns its transactions.

    Photos come first, a reviewer may be waiting; references when none is due.
    """
    with ctx.db.read() as session:
        due = [
            photo_id
            for institution_id in list_switched_on(ctx, session)
            for photo_id in _list_due(session, institution_id)
        ][:ROUND]
        are_references_due = not due and has_due_references(ctx, session)
    if due:
        return sum(_measure(ctx, reader or start_reader(), photo_id) for photo_id in due)
    if are_references_due:
        return measure_due_references(ctx, reader or start_reader())
    return 0


def _list_due(session: Session, institution_id: uuid.UUID) -> list[uuid.UUID]:
    return list(
        session.scalars(
            select(Photo.id)
            .join(Enrolment, Enrolment.id == Photo.enrolment_id)
            .outerjoin(Batch, Batch.id == Enrolment.batch_id)
            .where(
                Enrolment.institution_id == institution_id,
                consents(session, institution_id),
                Batch.closed_at.is_(None),
                Photo.state.in_(MEASURED_STATES),
                Photo.verdict != Verdict.FAIL,
                Photo.standard_key.is_not(None),
                Photo.id.not_in(select(FaceEncoding.photo_id)),
            )
            .order_by(Photo.checked_at, Photo.id)
            .limit(ROUND)
        )
    )


def _measure(ctx: Context, reader: FaceReader, photo_id: uuid.UUID) -> bool:
    with ctx.db.read() as session:
        photo = session.get_one(Photo, photo_id)
        if not may_compare(ctx, session, session.get_one(Enrolment, photo.enrolment_id)):
            return False
    values: list[float] | None
    try:
        values = reader.encode_face(ctx.photo_store.get(photo.standard_key or ""))
    except (PhotoMissing, ValueError):
        # It is gone, or ended the child: noted as without a face, or a round of such photos would
        # stand before all others for ever.
        values = None
    with ctx.db.write() as session:
        enrolment = lock_enrolment(session, photo.enrolment_id)
        is_there = session.get(FaceEncoding, photo_id) is not None
        # Asked again behind the lock: a consent may have been withdrawn meanwhile.
        if enrolment is None or is_there or not may_compare(ctx, session, enrolment):
            return False
        sealed = b"" if values is None else seal_encoding(ctx, photo_id, values)
        session.add(
            FaceEncoding(
                photo_id=photo_id,
                enrolment_id=enrolment.id,
                institution_id=enrolment.institution_id,
                sealed=sealed,
                made_at=ctx.now(),
            )
        )
        session.flush()
        if values is not None:
            face = unpack_encoding(pack_encoding(values))
            _note_hints(ctx, session, enrolment, photo_id, face)
    log.info("face_measured", photo_id=str(photo_id), is_found=values is not None)
    return True


def _note_hints(
    ctx: Context, session: Session, enrolment: Enrolment, photo_id: uuid.UUID, face: Encoding
) -> None:
    """Write down who is near, and whether the student is unlike an own earlier photo."""
    earlier = session.scalars(
        select(FaceEncoding.photo_id)
        .where(FaceEncoding.enrolment_id == enrolment.id, FaceEncoding.photo_id != photo_id)
        .order_by(FaceEncoding.made_at.desc())
    ).all()
    with _turn:
        faces = _load(ctx, session, enrolment.institution_id)
        near = faces.find_near(face, LIKE[-1])
        own = faces.measure(face, earlier)
    owners = _find_owners(session, [each for each, _ in near])
    others = [
        (each, distance)
        for each, distance in near
        if each in owners and owners[each] != enrolment.id_number_index
    ]
    for other_id, distance in others[:MOST_SHOWN]:
        _add(ctx, session, enrolment, photo_id, other_id, FaceHintKind.OTHER_STUDENT,
             find_step(distance, LIKE))  # fmt: skip
    measured = [(own[each], each) for each in earlier if each in own]
    if measured and min(measured)[0] > UNLIKE[-1]:
        distance, other_id = min(measured)
        _add(ctx, session, enrolment, photo_id, other_id, FaceHintKind.UNLIKE_EARLIER,
             find_unlike_step(distance))  # fmt: skip
    note_unlike_reference(ctx, session, enrolment, photo_id, face)


def _add(
    ctx: Context,
    session: Session,
    enrolment: Enrolment,
    photo_id: uuid.UUID,
    other_id: uuid.UUID,
    kind: FaceHintKind,
    step: int,
) -> None:
    session.add(
        FaceHint(
            institution_id=enrolment.institution_id,
            photo_id=photo_id,
            other_photo_id=other_id,
            kind=kind,
            step=step,
            found_at=ctx.now(),
        )
    )


def _load(ctx: Context, session: Session, institution_id: uuid.UUID) -> Faces:
    """Return the faces of a college whose students agree now; only new rows are decrypted."""
    faces = _memory.setdefault(institution_id, Faces())
    wanted = session.scalars(
        select(FaceEncoding.photo_id)
        .join(Enrolment, Enrolment.id == FaceEncoding.enrolment_id)
        .where(
            FaceEncoding.institution_id == institution_id,
            FaceEncoding.sealed != b"",
            consents(session, institution_id),
        )
    ).all()
    missing = faces.keep(wanted)
    if missing:
        import numpy as np

        rows = session.execute(
            select(FaceEncoding.photo_id, FaceEncoding.sealed).where(
                FaceEncoding.institution_id == institution_id
            )
        ).all()
        opened = [(key, open_encoding(ctx, key, sealed)) for key, sealed in rows if key in missing]
        faces.add([key for key, _ in opened], np.stack([face for _, face in opened]))
    return faces


def _find_owners(session: Session, photo_ids: list[uuid.UUID]) -> dict[uuid.UUID, bytes]:
    """Return whose each photo is: a person's other programme is no stranger."""
    rows = session.execute(
        select(Photo.id, Enrolment.id_number_index)
        .join(Enrolment, Enrolment.id == Photo.enrolment_id)
        .where(Photo.id.in_(photo_ids))
    )
    return {row[0]: row[1] for row in rows}
