"""Whether faces may be compared: the college's switch, an assessment, and each student's consent.

All three are asked before a face is measured and again before a measurement is used. The key is a
fourth: without FACE_KEYS there is nothing to write with.
"""

from __future__ import annotations

import uuid

from sqlalchemy import ColumnElement, select
from sqlalchemy.orm import Session

from models import Enrolment, FaceSwitch
from server.context import Context
from server.services.compliance.assessments import FACES, has_current_assessment
from server.services.consent.ask import has_consent, is_consented
from server.services.consent.parts import FACES as FACES_CONSENT


def is_switched_on(ctx: Context, session: Session, institution_id: uuid.UUID) -> bool:
    """Tell whether a college compares faces: switch, current assessment and key together."""
    row = session.get(FaceSwitch, institution_id)
    return (
        ctx.face_cipher is not None
        and row is not None
        and row.is_on
        and has_current_assessment(session, institution_id, FACES)
    )


def may_compare(ctx: Context, session: Session, enrolment: Enrolment) -> bool:
    """Tell whether this student's face may be measured or a measurement of it used now."""
    return (
        is_switched_on(ctx, session, enrolment.institution_id)
        and not _is_batch_closed(enrolment)
        and has_consent(session, enrolment, FACES_CONSENT)
    )


def _is_batch_closed(enrolment: Enrolment) -> bool:
    """Tell whether the batch into which the student was locked has been closed."""
    return enrolment.batch is not None and enrolment.batch.closed_at is not None


def consents(session: Session, institution_id: uuid.UUID) -> ColumnElement[bool]:
    """Return the condition that a student of this college agrees to the comparison."""
    return is_consented(session, institution_id, FACES_CONSENT)


def list_switched_on(ctx: Context, session: Session) -> list[uuid.UUID]:
    """Return the colleges that compare faces now."""
    ids = session.scalars(select(FaceSwitch.institution_id).where(FaceSwitch.is_on)).all()
    return [each for each in ids if is_switched_on(ctx, session, each)]
