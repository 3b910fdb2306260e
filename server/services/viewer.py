"""Who looks: the signed-in staff member, and which students that person may see."""

from __future__ import annotations

import datetime as dt
import uuid
from dataclasses import dataclass

from sqlalchemy import ColumnElement, select
from sqlalchemy.orm import Session

from models import Enrolment, Role
from server.errors import NotFound


@dataclass(frozen=True)
class Viewer:
    """A signed-in staff member for the length of one request."""

    staff_id: uuid.UUID
    username: str
    role: Role
    institution_id: uuid.UUID
    institution_name: str
    centre_id: uuid.UUID | None
    centre_name: str
    session_id: uuid.UUID
    reauthenticated_at: dt.datetime
    must_change_password: bool
    has_totp: bool
    request_id: str = ""


def list_scope(viewer: Viewer) -> list[ColumnElement[bool]]:
    """Return the conditions on Enrolment that no query for this viewer may leave out."""
    conditions = [Enrolment.institution_id == viewer.institution_id]
    if viewer.role is Role.CENTRE:
        conditions.append(Enrolment.centre_id == viewer.centre_id)
    return conditions


def may_see(viewer: Viewer, enrolment: Enrolment | None) -> bool:
    """Tell whether this enrolment lies within the viewer's scope."""
    if enrolment is None or enrolment.institution_id != viewer.institution_id:
        return False
    return viewer.role is not Role.CENTRE or enrolment.centre_id == viewer.centre_id


def get_visible(session: Session, viewer: Viewer, enrolment_id: uuid.UUID) -> Enrolment:
    """Return an enrolment within the viewer's scope; raises NotFound for every other."""
    found = session.scalars(
        select(Enrolment).where(Enrolment.id == enrolment_id, *list_scope(viewer))
    ).one_or_none()
    if found is None:
        raise NotFound
    return found
