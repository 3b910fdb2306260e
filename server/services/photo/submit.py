"""A student's upload: stored durably, recorded, queued. Only then is it acknowledged."""

from __future__ import annotations

import datetime as dt
import time
import uuid
from dataclasses import dataclass

import structlog
from sqlalchemy import select
from sqlalchemy.exc import IntegrityError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.orm import Session

from imagecheck.refusals import ACCEPTED, find_refused, name_fault
from models import Enrolment, FeatureCode, Photo, PhotoState, RefusedUpload
from server import failpoints
from server.context import Context
from server.errors import CaijiError, NotFound
from server.gateways.photo_store import content_key, hash_bytes
from server.services.collection import Actor, lock_enrolment
from server.services.college.batches import require_kept_batch
from server.services.moment import find_first_try, note_failed_try, take_first_try
from server.services.photo.check import has_no_true_verdict
from server.services.photo.keep_file import keep_file, share_files
from server.services.photo.may_submit import (
    PhotoUnderReview,
    counts_anew,
    find_upload,
    require_may_submit,
    require_may_take,
)
from server.services.photo.promote import promote
from server.services.photo.queue_wait import refuse_when_full
from server.services.photo.requeue import enqueue_check
from server.services.photo.source import ON_SITE, choose_source
from server.services.student.eligible import require_eligible
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
class ReceivedPhoto:
    """What has arrived and lies in the store under ``key``.

    ``user_id``: the student who sent it; None where ``staff_id`` took it on site.
    """

    user_id: uuid.UUID | None
    enrolment_id: uuid.UUID
    sha256: str
    size_bytes: int
    key: str
    is_confirmed: bool
    estimate_s: float
    source: str | None = None
    staff_id: uuid.UUID | None = None

    @property
    def actor(self) -> Actor:
        """Who brought it."""
        if self.staff_id is not None:
            return Actor("staff", self.staff_id)
        return Actor("student", self.user_id)


@dataclass(frozen=True)
class Submission:
    """The acknowledged photo.

    Attributes:
        is_new: False when the same bytes were there before.
        estimate_s: seconds until its verdict, as expected when it came.
    """

    photo_id: uuid.UUID
    is_new: bool
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
    _refuse_unusable(data)
    sha256 = hash_bytes(data)
    with ctx.db.read() as session:
        found = find_upload(session, enrolment_id, sha256)
        require_may_submit(session, ctx, found, user_id, sha256, is_confirmed=is_confirmed)
        estimate_s = refuse_when_full(session, ctx)
    key = content_key("originals", sha256, ".bin")
    received = ReceivedPhoto(
        user_id, enrolment_id, sha256, len(data), key, is_confirmed, estimate_s, source
    )
    return _keep(ctx, received, data)


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
    _refuse_unusable(data)
    sha256 = hash_bytes(data)
    with ctx.db.read() as session:
        found = find_upload(session, enrolment_id, sha256)
        require_may_take(session, ctx, found, is_confirmed=is_confirmed)
        estimate_s = refuse_when_full(session, ctx)
    key = content_key("originals", sha256, ".bin")
    received = ReceivedPhoto(
        None, enrolment_id, sha256, len(data), key, is_confirmed, estimate_s, staff_id=staff_id
    )
    return _keep(ctx, received, data)


def _keep(ctx: Context, received: ReceivedPhoto, data: bytes) -> Submission:
    """Store bytes and row, then ask for the verdict."""
    with keep_file(ctx, received.key, data):
        failpoints.hit("original_stored")
        try:
            submission = _record(ctx, received)
        except IntegrityError:
            # The same bytes arrived twice at once; the other request made the row.
            submission = _record(ctx, received)
    failpoints.hit("photo_committed")
    enqueue_check(ctx, submission.photo_id)
    failpoints.hit("photo_queued")
    return submission


def _refuse_unusable(data: bytes) -> None:
    """Refuse what cannot be a photo by its size and first bytes."""
    if not data:
        raise PhotoEmpty
    if len(data) > MAX_PHOTO_BYTES:
        raise PhotoTooLarge
    if fault := name_fault(data):
        raise PhotoTypeUnsupported(find_refused(*fault).message)


def note_refused_upload(ctx: Context, user_id: uuid.UUID, enrolment_id: uuid.UUID) -> None:
    """Write down that we could not take this student's photo now: the next try counts from here.

    Owns its transaction. Where the database is the reason, nothing can be written: the log says so.
    """
    now = ctx.now()
    try:
        with ctx.db.write() as session:
            enrolment = session.get(Enrolment, enrolment_id)
            if enrolment is not None and enrolment.wechat_user_id == user_id:
                note_failed_try(session, enrolment_id, began_at=now, now=now)
    except (OperationalError, PoolTimeout, IntegrityError) as error:
        # two at once write the same, and one of them is enough
        if not isinstance(error, IntegrityError):
            log.error("refused_upload_not_noted", enrolment_id=str(enrolment_id))  # noqa: TRY400


def _code_of(session: Session, enrolment: Enrolment) -> FeatureCode:
    if enrolment.feature_code_id is None:
        raise NotFound
    return session.get_one(FeatureCode, enrolment.feature_code_id)


def _lock_same(session: Session, enrolment_id: uuid.UUID, sha256: str) -> Photo | None:
    """Return the photo of the same bytes, locked to keep retention's hands off it.

    Retention locks the photos that it empties and not their enrolments.
    """
    return session.scalars(
        select(Photo)
        .where(Photo.enrolment_id == enrolment_id, Photo.sha256 == sha256)
        .with_for_update(of=Photo)
        .execution_options(populate_existing=True)
    ).one_or_none()


def _record(ctx: Context, received: ReceivedPhoto) -> Submission:
    with ctx.db.write() as session:
        share_files(session, ctx, received.key)
        enrolment = lock_enrolment(session, received.enrolment_id)
        if enrolment is None:
            raise NotFound
        require_eligible(enrolment)
        if enrolment.photo is not None and enrolment.photo.opened_at is not None:
            raise PhotoUnderReview
        now = ctx.now()
        known = _lock_same(session, enrolment.id, received.sha256)
        refused = session.get(RefusedUpload, enrolment.id)
        # kept in hand: the session forgets it otherwise, and what follows asks for it again
        code = _code_of(session, enrolment)
        if not received.is_confirmed and counts_anew(known):
            require_kept_batch(session, enrolment, find_first_try(refused, now) or now)
        if known is not None:
            known.source = choose_source(known.source, received.source)
            _take_again(session, enrolment, known, refused, now, received)
            return Submission(known.id, is_new=False, estimate_s=received.estimate_s)
        photo = Photo(
            enrolment_id=enrolment.id,
            user_id=received.user_id,
            taken_by=received.staff_id,
            source=ON_SITE if received.staff_id else received.source or "",
            sha256=received.sha256,
            size_bytes=received.size_bytes,
            original_key=received.key,
            profile=code.profile,
            background=code.background,
            submitted_at=now,
            counts_from=take_first_try(session, refused, now),
        )
        session.add(photo)
        session.flush()
        return Submission(photo.id, is_new=True, estimate_s=received.estimate_s)


def _take_again(
    session: Session,
    enrolment: Enrolment,
    photo: Photo,
    refused: RefusedUpload | None,
    now: dt.datetime,
    received: ReceivedPhoto,
) -> None:
    """The same bytes again: what was withdrawn or superseded counts anew."""
    if photo.state is PhotoState.REJECTED:
        raise PhotoRejectedBefore
    # Retention took the photo itself: what is kept of it cannot be shown or exported.
    is_gone = photo.original_key is None
    has_no_verdict = photo.verdict is None or has_no_true_verdict(photo) or is_gone
    if photo.state not in {PhotoState.WITHDRAWN, PhotoState.SUPERSEDED} and not (
        has_no_verdict and photo.state is PhotoState.CHECKED
    ):
        return
    photo.submitted_at = now
    photo.counts_from = take_first_try(session, refused, now)
    photo.original_key = received.key
    if has_no_verdict:
        photo.state = PhotoState.RECEIVED
        photo.verdict = None
        photo.report = None
        photo.check_started_at = None
        photo.check_attempts = 0
        return
    photo.state = PhotoState.CHECKED
    promote(session, enrolment, photo, actor=received.actor, at=now)


def wait_for_verdict(ctx: Context, photo_id: uuid.UUID, timeout_s: float) -> Photo:
    """Return the photo as soon as it has its verdict, or as it is when the time is over."""
    deadline = time.monotonic() + timeout_s
    while True:
        with ctx.db.read() as session:
            if timeout_s <= 0:
                return session.get_one(Photo, photo_id)
            state = session.scalars(select(Photo.state).where(Photo.id == photo_id)).one()
            if state is not PhotoState.RECEIVED or time.monotonic() >= deadline:
                return session.get_one(Photo, photo_id)
        time.sleep(POLL_S)
