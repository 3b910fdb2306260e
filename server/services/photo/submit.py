"""A student's upload: stored durably, recorded, queued. Only then is it acknowledged."""

from __future__ import annotations

import datetime as dt
import time
import uuid
from dataclasses import dataclass

import structlog
from sqlalchemy import select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from imagecheck.refusals import ACCEPTED, find_refused, name_fault
from models import Photo, PhotoState
from server import failpoints
from server.context import Context
from server.errors import CaijiError
from server.gateways.photo_store import hash_bytes
from server.services.collection import hold_enrolment
from server.services.moment import take_first_try
from server.services.photo.check import has_no_true_verdict
from server.services.photo.keep_file import keep_file, write_keys
from server.services.photo.may_submit import (
    Found,
    ReceivedPhoto,
    find_upload,
    require_may_submit,
)
from server.services.photo.promote import promote
from server.services.photo.queue_wait import refuse_when_full
from server.services.photo.requeue import enqueue_check
from server.services.photo.source import ON_SITE, choose_source
from server.sizes import MAX_PHOTO_BYTES

log = structlog.get_logger()

POLL_S = 0.04


class PhotoEmpty(CaijiError):
    """No bytes arrived."""

    code = "photo_empty"
    status = 422
    message = "没有收到照片内容，请重新选择照片。"


class PhotoTooLarge(CaijiError):
    """More than 10 MB."""

    code = "photo_too_large"
    status = 413
    message = "照片文件超过 10 MB，请用手机的普通拍照模式重新拍一张。"


class PhotoTypeUnsupported(CaijiError):
    """No format that a standard photo can be made from; the message says what it is instead."""

    code = "photo_type_unsupported"
    status = 415
    message = f"这个文件不是照片，请上传 {ACCEPTED} 照片。"


class PhotoRejectedBefore(CaijiError):
    """The same bytes were rejected by a reviewer."""

    code = "photo_rejected_before"
    status = 409
    message = "这张照片已被审核退回，请重新拍摄。"


@dataclass(frozen=True)
class Submission:
    """The acknowledged photo.

    Attributes:
        photo: as it is stored now.
        estimate_s: seconds until its verdict, as expected when it came.
    """

    photo: Photo
    estimate_s: float


def submit_photo(
    ctx: Context,
    *,
    user_id: uuid.UUID,
    enrolment_id: uuid.UUID,
    data: bytes,
    is_confirmed: bool = False,
    source: str | None = None,
) -> Submission:
    """Accept one photo; when this returns, a power cut loses nothing.

    ``is_confirmed``: the student knows that this may move them to a later batch. ``source``:
    where the photo came from, as the client says.

    Raises:
        PhotoEmpty, PhotoTooLarge, PhotoTypeUnsupported, NotFound, NotRegistered,
        ConsentVersionOutdated, ConsentWithdrawn,
        AlreadyCollected, PhotoUnderReview, PhotoRejectedBefore, PaymentFirst,
        WouldLoseBatch, DailyLimitReached, QueueFull, PhotoStoreUnavailable and the errors of the
        feature code.
    """
    return _submit(
        ctx, data, enrolment_id, user_id=user_id, is_confirmed=is_confirmed, source=source
    )


def submit_on_site(
    ctx: Context,
    *,
    staff_id: uuid.UUID,
    enrolment_id: uuid.UUID,
    data: bytes,
    is_confirmed: bool = False,
) -> Submission:
    """Accept a photo that staff took of a student whom they may see; the rest is the same way.

    No daily limit, and no payment first: who is not bound can only pay later.

    Raises:
        As :func:`submit_photo` does, but neither PaymentFirst nor DailyLimitReached.
    """
    return _submit(ctx, data, enrolment_id, staff_id=staff_id, is_confirmed=is_confirmed)


def _submit(
    ctx: Context,
    data: bytes,
    enrolment_id: uuid.UUID,
    *,
    is_confirmed: bool,
    user_id: uuid.UUID | None = None,
    staff_id: uuid.UUID | None = None,
    source: str | None = None,
) -> Submission:
    """Store bytes and row of what may come, then ask for the verdict."""
    _refuse_unusable(data)
    received = ReceivedPhoto(
        user_id=user_id,
        staff_id=staff_id,
        enrolment_id=enrolment_id,
        sha256=hash_bytes(data),
        size_bytes=len(data),
        is_confirmed=is_confirmed,
        source=source,
        came_at=ctx.now(),
    )
    with ctx.db.read() as session:
        require_may_submit(session, find_upload(session, received), received)
        estimate_s = refuse_when_full(session, ctx)
    with keep_file(ctx, received.key, data):
        failpoints.hit("original_stored")
        try:
            photo = _record(ctx, received)
        except IntegrityError:
            # The same bytes arrived twice at once; the other request made the row.
            photo = _record(ctx, received)
    failpoints.hit("photo_committed")
    enqueue_check(ctx, photo.id)
    failpoints.hit("photo_queued")
    return Submission(photo, estimate_s)


def _refuse_unusable(data: bytes) -> None:
    """Refuse what cannot be a photo by its size and first bytes."""
    if not data:
        raise PhotoEmpty
    if len(data) > MAX_PHOTO_BYTES:
        raise PhotoTooLarge
    if fault := name_fault(data):
        raise PhotoTypeUnsupported(find_refused(*fault).message)


def _record(ctx: Context, received: ReceivedPhoto) -> Photo:
    """Write the row that names the file, or use the one of the same bytes."""
    with write_keys(ctx, received.key) as session:
        hold_enrolment(session, received.enrolment_id)
        found = find_upload(session, received)
        code = require_may_submit(session, found, received)
        if found.same_id is not None:
            # Retention locks the photos that it empties and not their enrolments.
            same = session.get_one(Photo, found.same_id, with_for_update=True)
            _take_again(session, found, same, received, at=ctx.now())
            return same
        photo = Photo(
            enrolment_id=received.enrolment_id,
            user_id=received.user_id,
            taken_by=received.staff_id,
            source=ON_SITE if received.staff_id else received.source or "",
            sha256=received.sha256,
            size_bytes=received.size_bytes,
            original_key=received.key,
            profile=code.profile,
            background=code.background,
            submitted_at=received.came_at,
            counts_from=take_first_try(session, found.refused, received.came_at),
        )
        session.add(photo)
        return photo


def _take_again(
    session: Session, found: Found, photo: Photo, received: ReceivedPhoto, *, at: dt.datetime
) -> None:
    """The same bytes again: what was withdrawn or superseded counts anew."""
    photo.source = choose_source(photo.source, received.source)
    if photo.state is PhotoState.REJECTED:
        raise PhotoRejectedBefore
    # Retention took the photo itself: what is kept of it cannot be shown or exported.
    is_gone = photo.original_key is None
    has_no_verdict = photo.verdict is None or has_no_true_verdict(photo) or is_gone
    if photo.state not in {PhotoState.WITHDRAWN, PhotoState.SUPERSEDED} and not (
        has_no_verdict and photo.state is PhotoState.CHECKED
    ):
        return
    photo.submitted_at = received.came_at
    photo.counts_from = take_first_try(session, found.refused, received.came_at)
    photo.original_key = received.key
    if has_no_verdict:
        photo.state = PhotoState.RECEIVED
        photo.verdict = None
        photo.report = None
        photo.check_started_at = None
        photo.check_attempts = 0
        return
    photo.state = PhotoState.CHECKED
    promote(session, found.enrolment, photo, actor=received.actor, at=at)


def wait_for_verdict(ctx: Context, photo_id: uuid.UUID, timeout_s: float) -> Photo:
    """Return the photo as soon as it has its verdict, or as it is when the time is over."""
    deadline = time.monotonic() + timeout_s
    while True:
        with ctx.db.read() as session:
            state = session.scalars(select(Photo.state).where(Photo.id == photo_id)).one()
            if state is not PhotoState.RECEIVED or time.monotonic() >= deadline:
                return session.get_one(Photo, photo_id)
        time.sleep(POLL_S)
