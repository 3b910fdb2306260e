"""Two names of one learning centre become one; a centre without students goes."""

from __future__ import annotations

import datetime as dt
import uuid
from dataclasses import dataclass

from sqlalchemy import ColumnElement, delete, func, or_, select, update
from sqlalchemy.orm import Session

from models import BatchWindow, Enrolment, LearningCentre, Staff
from server.context import Context
from server.errors import CaijiError, NotFound
from server.services.audit import record_audit
from server.services.collection import lock_enrolments
from server.services.viewer import Viewer


class CentreInUse(CaijiError):
    """Students or accounts belong to the centre: merge it into another one."""

    code = "centre_in_use"
    status = 409
    message = "这个学习中心还有学生或账号，不能删除：请合并到另一个学习中心"


@dataclass(frozen=True)
class CentreUse:
    """How many belong to a centre."""

    name: str
    students: int
    accounts: int


def count_use(ctx: Context, viewer: Viewer, centre_id: uuid.UUID) -> CentreUse:
    """Return who belongs to a centre of the viewer's institution; raises NotFound."""
    with ctx.db.read() as session:
        return _count(session, _lock(session, viewer, centre_id))


def merge_centre(
    ctx: Context, viewer: Viewer, centre_id: uuid.UUID, into_id: uuid.UUID
) -> tuple[str, str]:
    """Move students and accounts of a centre into another one and delete it; returns both names.

    Raises:
        NotFound: one of them is not the institution's, or both are the same.
    """
    now = ctx.now()
    with ctx.db.write() as session:
        if centre_id == into_id:
            raise NotFound
        centre, into = _lock(session, viewer, centre_id), _lock(session, viewer, into_id)
        use = _count(session, centre)
        lock_enrolments(session, Enrolment.centre_id == centre.id)
        session.execute(
            update(Enrolment).where(Enrolment.centre_id == centre.id).values(centre_id=into.id)
        )
        _move_accounts(session, centre, into)
        _delete(session, viewer, centre, "centre.merge", now, into=into.name, students=use.students)
        return use.name, into.name


def delete_centre(ctx: Context, viewer: Viewer, centre_id: uuid.UUID) -> str:
    """Delete a centre to which nobody belongs; returns its name.

    Raises:
        NotFound, CentreInUse.
    """
    with ctx.db.write() as session:
        centre = _lock(session, viewer, centre_id)
        use = _count(session, centre)
        if use.students or use.accounts:
            raise CentreInUse
        _delete(session, viewer, centre, "centre.delete", ctx.now())
        return use.name


def _move_accounts(session: Session, centre: LearningCentre, into: LearningCentre) -> None:
    """Give every account of ``centre`` the other one instead, and none of them one twice."""
    for staff in session.scalars(select(Staff).where(_belongs_to(centre))):
        first, *further = dict.fromkeys(
            into if one.id == centre.id else one for one in staff.centres
        )
        staff.centre, staff.further_centres = first, further
    session.flush()


def _belongs_to(centre: LearningCentre) -> ColumnElement[bool]:
    return or_(
        Staff.centre_id == centre.id, Staff.further_centres.any(LearningCentre.id == centre.id)
    )


def _delete(
    session: Session,
    viewer: Viewer,
    centre: LearningCentre,
    action: str,
    now: dt.datetime,
    **detail: object,
) -> None:
    record_audit(
        session,
        viewer,
        action,
        at=now,
        subject_kind="learning_centre",
        subject_id=centre.id,
        name=centre.name,
        **detail,
    )
    # Its students have the batch's own cut-off from now on: nobody loses a day by a merge.
    session.execute(delete(BatchWindow).where(BatchWindow.centre_id == centre.id))
    session.delete(centre)


def _count(session: Session, centre: LearningCentre) -> CentreUse:
    students = session.scalar(
        select(func.count()).select_from(Enrolment).where(Enrolment.centre_id == centre.id)
    )
    accounts = session.scalar(select(func.count()).select_from(Staff).where(_belongs_to(centre)))
    return CentreUse(centre.name, students or 0, accounts or 0)


def _lock(session: Session, viewer: Viewer, centre_id: uuid.UUID) -> LearningCentre:
    centre = session.scalars(
        select(LearningCentre)
        .where(
            LearningCentre.id == centre_id,
            LearningCentre.institution_id == viewer.institution_id,
        )
        .with_for_update()
    ).one_or_none()
    if centre is None:
        raise NotFound
    return centre
