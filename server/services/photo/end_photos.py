"""All photos of an enrolment end at once: the student took the consent back, or asked for it."""

from __future__ import annotations

import contextlib
import datetime as dt
import uuid
from collections.abc import Sequence

from sqlalchemy import select
from sqlalchemy.orm import Session

from models import CollectionStatus, DeletionRecord, Enrolment, Photo, PhotoState
from server.context import Context
from server.gateways.photo_store import PhotoStoreUnavailable
from server.services.collection import Actor, Event, change_status
from server.services.photo.keep_file import delete_unreferenced

ANY_AGE = dt.datetime.max.replace(tzinfo=dt.UTC)


def end_photos(
    session: Session,
    enrolment: Enrolment,
    *,
    actor_id: uuid.UUID | None,
    at: dt.datetime,
    reason: str,
    shown_reason: str,
) -> list[str]:
    """Let no photo of an enrolment count any more, in the caller's transaction.

    The enrolment is locked by the caller and not collected. Rows and verdicts stay as history,
    without pictures; each gets a record of its deletion. ``shown_reason`` stands in the history
    of the status. Returns the keys of their files, for
    :func:`delete_files` after the commit.
    """
    if enrolment.collection_status in {CollectionStatus.UPLOADED, CollectionStatus.REUPLOADED}:
        actor = Actor("student", actor_id) if actor_id else Actor("system")
        enrolment.photo_id = None
        change_status(session, enrolment, Event.WITHDRAWN, actor=actor, at=at, reason=shown_reason)
    enrolment.photo_id = None
    keys = []
    photos = session.scalars(
        select(Photo).where(Photo.enrolment_id == enrolment.id).with_for_update()
    ).all()
    for photo in photos:
        kept = [key for key in (photo.original_key, photo.standard_key) if key is not None]
        photo.original_key = photo.standard_key = None
        photo.standard_sha256 = photo.overlay_svg = None
        photo.picture_hash = photo.picture_print = None
        if photo.state in {PhotoState.RECEIVED, PhotoState.CHECKED}:
            photo.state = PhotoState.WITHDRAWN
            photo.leased_by = photo.leased_until = None
        if kept:
            keys += kept
            session.add(
                DeletionRecord(at=at, subject_kind="photo", subject_id=str(photo.id), reason=reason)
            )
    return keys


def delete_files(ctx: Context, keys: Sequence[str]) -> None:
    """Delete files that no row names any more, however young; what another row shares stays.

    Where the store is away, ``remove_orphans`` does it later.
    """
    for key in dict.fromkeys(keys):
        with contextlib.suppress(PhotoStoreUnavailable):
            delete_unreferenced(ctx, key, not_after=ANY_AGE)
