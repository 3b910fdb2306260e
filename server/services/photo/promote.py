"""Which submission counts: the newest one that passed, until a reviewer decides."""

from __future__ import annotations

import datetime as dt

from sqlalchemy.orm import Session

from models import CollectionStatus, Enrolment, Photo, PhotoState
from server import failpoints
from server.services.collection import Actor, Event, advance, change_status


def promote(
    session: Session, enrolment: Enrolment, photo: Photo, *, actor: Actor, at: dt.datetime
) -> None:
    """Let a checked photo count for its locked enrolment, where it passed.

    A failed one changes nothing: the photo that counted before still counts. An older one than
    that is superseded, and so is one that was sent before a reviewer opened the one that counts,
    and judged afterwards: what a reviewer has opened is not replaced under their eyes.
    """
    if photo.verdict is None or not photo.verdict.is_passing:
        return
    former = enrolment.photo
    if enrolment.collection_status is CollectionStatus.COLLECTED or _stands(former, photo):
        photo.state = PhotoState.SUPERSEDED
        return
    if former is not None and former.id != photo.id and former.state is PhotoState.CHECKED:
        former.state = PhotoState.SUPERSEDED
    enrolment.photo_id = photo.id
    enrolment.photo = photo
    failpoints.hit("promoting")
    if enrolment.collection_status in {CollectionStatus.UPLOADED, CollectionStatus.REUPLOADED}:
        change_status(session, enrolment, Event.REPLACED, actor=actor, at=at)
    else:
        advance(session, enrolment, actor=actor, at=at)


def _stands(former: Photo | None, photo: Photo) -> bool:
    """Tell whether the photo that counts is newer than this one, or in a reviewer's hands."""
    return (
        former is not None
        and former.id != photo.id
        and former.state is PhotoState.CHECKED
        and (former.submitted_at > photo.submitted_at or former.opened_at is not None)
    )
