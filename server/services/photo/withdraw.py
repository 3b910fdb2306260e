"""A student takes a photo back before a reviewer has opened it."""

from __future__ import annotations

import uuid

from models import CollectionStatus, Enrolment, Photo, PhotoState
from server.context import Context
from server.errors import CaijiError, NotFound
from server.services.collection import WAITING, Actor, Event, change_status, lock_enrolment
from server.services.college.batches import require_kept_batch
from server.services.photo.may_submit import PhotoUnderReview


class PhotoNotWithdrawable(CaijiError):
    """The photo was decided on, replaced or withdrawn before."""

    code = "photo_not_withdrawable"
    status = 409
    message = "这张照片已不能撤回"


def withdraw_photo(
    ctx: Context, *, user_id: uuid.UUID, photo_id: uuid.UUID, is_confirmed: bool = False
) -> uuid.UUID:
    """Withdraw the user's own photo and return its enrolment.

    ``is_confirmed``: the student knows that this may move them to a later batch.

    Raises:
        NotFound, PhotoUnderReview, PhotoNotWithdrawable, WouldLoseBatch.
    """
    with ctx.db.write() as session:
        photo = session.get(Photo, photo_id)
        if photo is None or photo.user_id not in {None, user_id}:
            raise NotFound
        enrolment = lock_enrolment(session, photo.enrolment_id)
        session.refresh(photo)
        if enrolment is None or enrolment.wechat_user_id != user_id:
            raise NotFound
        if photo.state is PhotoState.WITHDRAWN:
            return enrolment.id
        if photo.state not in {PhotoState.RECEIVED, PhotoState.CHECKED}:
            raise PhotoNotWithdrawable
        if photo.opened_at is not None:
            raise PhotoUnderReview
        if not is_confirmed and _holds_place(enrolment, photo):
            require_kept_batch(session, enrolment, ctx.now())
        photo.state = PhotoState.WITHDRAWN
        if enrolment.photo_id == photo.id:
            enrolment.photo_id = None
            if enrolment.collection_status in {
                CollectionStatus.UPLOADED,
                CollectionStatus.REUPLOADED,
            }:
                change_status(
                    session,
                    enrolment,
                    Event.WITHDRAWN,
                    actor=Actor("student", user_id),
                    at=ctx.now(),
                )
        return enrolment.id


def _holds_place(enrolment: Enrolment, photo: Photo) -> bool:
    """Tell whether the student's place in a batch hangs on this photo."""
    return enrolment.photo_id == photo.id or enrolment.collection_status not in WAITING
