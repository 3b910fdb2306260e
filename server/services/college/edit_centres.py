"""Learning centres as an administrator keeps them: name, and whom students may ask."""

from __future__ import annotations

import uuid
from collections import Counter
from dataclasses import dataclass

from sqlalchemy import func, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session, selectinload

from models import Enrolment, LearningCentre, Staff
from server.context import Context
from server.errors import NotFound
from server.services.audit import record_audit
from server.services.college.set_up import AlreadyExists
from server.services.viewer import Viewer


@dataclass(frozen=True)
class CentreRow:
    """One line of the list."""

    centre: LearningCentre
    students: int
    accounts: int


def list_centres(ctx: Context, viewer: Viewer) -> list[CentreRow]:
    """Return the institution's centres by name, with how many belong to each."""
    with ctx.db.read() as session:
        centres = session.scalars(
            select(LearningCentre)
            .where(LearningCentre.institution_id == viewer.institution_id)
            .order_by(LearningCentre.name)
        ).all()
        students = session.execute(
            select(Enrolment.centre_id, func.count())
            .where(Enrolment.institution_id == viewer.institution_id)
            .group_by(Enrolment.centre_id)
        )
        accounts = session.scalars(
            select(Staff)
            .where(Staff.institution_id == viewer.institution_id, Staff.disabled_at.is_(None))
            .options(selectinload(Staff.centre), selectinload(Staff.further_centres))
        )
        by_students = {row[0]: row[1] for row in students}
        by_accounts = Counter(centre.id for staff in accounts for centre in staff.centres)
    return [CentreRow(one, by_students.get(one.id, 0), by_accounts[one.id]) for one in centres]


def get_centre(ctx: Context, viewer: Viewer, centre_id: uuid.UUID) -> LearningCentre:
    """Return a centre of the viewer's institution; raises NotFound."""
    with ctx.db.read() as session:
        return _get_own(session, viewer, centre_id)


def save_centre(
    ctx: Context, viewer: Viewer, centre_id: uuid.UUID | None, *, name: str, contact: str
) -> None:
    """Create a centre, or change the one that is named.

    Raises:
        NotFound, AlreadyExists.
    """
    now = ctx.now()
    try:
        with ctx.db.write() as session:
            if centre_id is None:
                centre = LearningCentre(institution_id=viewer.institution_id, created_at=now)
                session.add(centre)
            else:
                centre = _get_own(session, viewer, centre_id)
            centre.name, centre.contact = name, contact
            session.flush()
            record_audit(
                session,
                viewer,
                "centre.change" if centre_id else "centre.create",
                at=now,
                subject_kind="learning_centre",
                subject_id=centre.id,
                name=name,
            )
    except IntegrityError as error:
        raise AlreadyExists from error


def _get_own(session: Session, viewer: Viewer, centre_id: uuid.UUID) -> LearningCentre:
    centre = session.get(LearningCentre, centre_id)
    if centre is None or centre.institution_id != viewer.institution_id:
        raise NotFound
    return centre
