"""Measurements of faces end: consent withdrawn, batch closed, switch or assessment gone."""

from __future__ import annotations

import uuid

from sqlalchemy import ColumnElement, Select, delete, or_, select, union
from sqlalchemy.orm import Session

from models import (
    Batch,
    Enrolment,
    FaceEncoding,
    FaceHint,
    FaceHintKind,
    FaceReference,
    Institution,
    Photo,
)
from server.context import Context
from server.services.faces.allow import consents, is_switched_on

CHUNK = 500


def forget_student(session: Session, enrolment_id: uuid.UUID) -> None:
    """Delete what was measured of one student, the reference, and every hint that came of it."""
    _forget(session, FaceEncoding.enrolment_id == enrolment_id)
    forget_references(session, FaceReference.enrolment_id == enrolment_id)


def forget_institution(session: Session, institution_id: uuid.UUID) -> None:
    """Delete what was measured of all students of a college, and their references."""
    _forget(session, FaceEncoding.institution_id == institution_id)
    forget_references(session, FaceReference.institution_id == institution_id)


def drop_spent_faces(ctx: Context) -> int:
    """Delete whatever no longer has its reason, as a sweeper; returns how many.

    Withdrawals and the switch delete at once; this finds closed batches, assessments that cover
    the comparison no more, photos whose files are gone, and what a restored backup brought back.
    """
    with ctx.db.read() as session:
        measured = session.scalars(
            union(select(FaceEncoding.institution_id), select(FaceReference.institution_id))
        ).all()
    count = 0
    for institution_id in measured:
        with ctx.db.write() as session:
            session.get_one(Institution, institution_id)
            photos = FaceEncoding.institution_id == institution_id
            references = FaceReference.institution_id == institution_id
            if is_switched_on(ctx, session, institution_id):
                photos &= FaceEncoding.photo_id.not_in(_select_kept_photos(session, institution_id))
                references &= FaceReference.enrolment_id.not_in(
                    _select_kept_students(session, institution_id)
                )
            count += _forget(session, photos) + forget_references(session, references)
    return count


def _select_kept_students(session: Session, institution_id: uuid.UUID) -> Select[uuid.UUID]:
    return (
        select(Enrolment.id)
        .outerjoin(Batch, Batch.id == Enrolment.batch_id)
        .where(
            Enrolment.institution_id == institution_id,
            consents(session, institution_id),
            Batch.closed_at.is_(None),
        )
    )


def _select_kept_photos(session: Session, institution_id: uuid.UUID) -> Select[uuid.UUID]:
    return select(Photo.id).where(
        Photo.enrolment_id.in_(_select_kept_students(session, institution_id)),
        Photo.standard_key.is_not(None),
    )


def forget_references(session: Session, which: ColumnElement[bool]) -> int:
    """Delete references and the hints that came of them; returns how many."""
    students = session.scalars(select(FaceReference.enrolment_id).where(which)).all()
    for start in range(0, len(students), CHUNK):
        chunk = students[start : start + CHUNK]
        session.execute(
            delete(FaceHint)
            .where(
                FaceHint.kind == FaceHintKind.UNLIKE_REFERENCE,
                FaceHint.photo_id.in_(select(Photo.id).where(Photo.enrolment_id.in_(chunk))),
            )
            .execution_options(synchronize_session=False)
        )
        session.execute(delete(FaceReference).where(FaceReference.enrolment_id.in_(chunk)))
    return len(students)


def _forget(session: Session, which: ColumnElement[bool]) -> int:
    photo_ids = session.scalars(select(FaceEncoding.photo_id).where(which)).all()
    for start in range(0, len(photo_ids), CHUNK):
        chunk = photo_ids[start : start + CHUNK]
        session.execute(
            delete(FaceHint).where(
                or_(FaceHint.photo_id.in_(chunk), FaceHint.other_photo_id.in_(chunk))
            )
        )
        session.execute(delete(FaceEncoding).where(FaceEncoding.photo_id.in_(chunk)))
    return len(photo_ids)
