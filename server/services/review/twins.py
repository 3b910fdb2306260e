"""The same file, or the same picture saved anew, sent by other students of the college."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import ColumnElement, or_, select
from sqlalchemy.orm import Session

from models import Enrolment, Photo
from server.services.photo.same_picture import is_same_picture, list_neighbours
from server.services.viewer import Viewer, list_scope

CANDIDATES = 500
SHOWN = 6


@dataclass(frozen=True)
class Twin:
    """Another student's photo. ``is_same_file``: byte for byte, else the same picture."""

    photo_id: uuid.UUID
    enrolment_id: uuid.UUID
    student_no: str
    name: str
    is_same_file: bool


@dataclass(frozen=True)
class Twins:
    """The first of them, and how many other students there are."""

    shown: list[Twin]
    students: int


def find_twins(session: Session, viewer: Viewer, photo: Photo, owner: Enrolment) -> Twins:
    """Return who else sent this photo; the same person's other programme is no stranger."""
    found = _find(session, list_scope(viewer), photo, owner)
    return Twins(found[:SHOWN], len(found))


def has_twins(session: Session, photo: Photo, owner: Enrolment) -> bool:
    """Tell whether anybody else of the college sent this photo."""
    scope = [Enrolment.institution_id == owner.institution_id]
    return bool(_find(session, scope, photo, owner))


def _find(
    session: Session, scope: Sequence[ColumnElement[bool]], photo: Photo, owner: Enrolment
) -> list[Twin]:
    same = [Photo.sha256 == photo.sha256]
    if photo.picture_hash and photo.picture_print:
        same.append(Photo.picture_hash.in_(list(list_neighbours(photo.picture_hash))))
    rows = session.execute(
        select(
            Photo.id,
            Photo.sha256,
            Photo.picture_print,
            Enrolment.id.label("enrolment_id"),
            Enrolment.student_no,
            Enrolment.name,
        )
        .join(Enrolment, Enrolment.id == Photo.enrolment_id)
        .where(
            *scope,
            Photo.enrolment_id != owner.id,
            Enrolment.id_number_index != owner.id_number_index,
            or_(*same),
        )
        .order_by(Photo.submitted_at)
        .limit(CANDIDATES)
    ).all()
    found: dict[uuid.UUID, Twin] = {}
    for row in rows:
        is_same_file = row.sha256 == photo.sha256
        is_same = is_same_file or (
            bool(row.picture_print and photo.picture_print)
            and is_same_picture(row.picture_print, photo.picture_print or "")
        )
        if is_same:
            found.setdefault(
                row.enrolment_id,
                Twin(row.id, row.enrolment_id, row.student_no, row.name, is_same_file),
            )
    return list(found.values())
