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
    shown_name: str
    """The real name with the user name, where one was given."""
    role: Role
    institution_id: uuid.UUID
    institution_name: str
    centre_ids: tuple[uuid.UUID, ...]
    """The learning centres of that role; other roles have none."""
    centre_name: str
    session_id: uuid.UUID
    reauthenticated_at: dt.datetime
    must_change_password: bool
    has_totp: bool
    request_id: str = ""
    must_add_second_factor: bool = False
    """The institution asks this role for it, and the account has none."""
    console_networks: tuple[str, ...] = ()
    """From where the institution opens its console; empty: from everywhere."""


def list_scope(viewer: Viewer) -> list[ColumnElement[bool]]:
    """Return the conditions on Enrolment that no query for this viewer may leave out."""
    conditions = [Enrolment.institution_id == viewer.institution_id]
    if viewer.role is Role.CENTRE:
        conditions.append(_match_centres(viewer.centre_ids))
    return conditions


def _match_centres(centre_ids: tuple[uuid.UUID, ...]) -> ColumnElement[bool]:
    if len(centre_ids) == 1:
        # Equality keeps the order of the list's index; a list of one is not always taken for it.
        return Enrolment.centre_id == centre_ids[0]
    return Enrolment.centre_id.in_(centre_ids)


def may_see(viewer: Viewer, enrolment: Enrolment | None) -> bool:
    """Tell whether this enrolment lies within the viewer's scope."""
    if enrolment is None or enrolment.institution_id != viewer.institution_id:
        return False
    return viewer.role is not Role.CENTRE or enrolment.centre_id in viewer.centre_ids


def get_visible(session: Session, viewer: Viewer, enrolment_id: uuid.UUID) -> Enrolment:
    """Return an enrolment within the viewer's scope; raises NotFound for every other."""
    found = session.scalars(
        select(Enrolment).where(
            Enrolment.id == enrolment_id, Enrolment.ended_at.is_(None), *list_scope(viewer)
        )
    ).one_or_none()
    if found is None:
        raise NotFound
    return found
