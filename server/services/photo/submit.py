"""A student's upload: stored durably, recorded, queued. Only then is it acknowledged."""

from __future__ import annotations

import datetime as dt
import time
import uuid
from dataclasses import dataclass

import structlog
from sqlalchemy import func, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from models import Enrolment, FeatureCode, Photo, PhotoState
from server import failpoints
from server.context import Context
from server.errors import CaijiError, NotFound
from server.gateways.clock import LOCAL_ZONE, to_local
from server.gateways.photo_store import content_key, hash_bytes
from server.queue import QueueUnavailable
from server.security.throttle import TooManyRequests
from server.services.bind_enrolment import require_eligible
from server.services.check_photo import has_been_given_up
from server.services.collection import Actor, lock_enrolment
from server.services.consent import require_consent
from server.services.feature_codes import require_open
from server.services.keep_file import keep_file, share_files
from server.services.promote_photo import promote
from server.services.queue_wait import refuse_when_full

log = structlog.get_logger()

MAX_PHOTO_BYTES = 10 * 1024 * 1024
POLL_S = 0.04
JPEG_MAGIC = b"\xff\xd8\xff"
PNG_MAGIC = b"\x89PNG\r\n\x1a\n"
HEIC_BRANDS = (b"heic", b"heix", b"hevc", b"heim", b"heis", b"mif1", b"msf1", b"avif")


class PhotoEmpty(CaijiError):
    """No bytes arrived."""

    code = "photo_empty"
    status = 422
    message = "没有收到照片内容,请重新选择照片"


class PhotoTooLarge(CaijiError):
    """More than 10 MB."""

    code = "photo_too_large"
    status = 413
    message = "照片超过 10 MB,请压缩后重新上传"


class PhotoTypeUnsupported(CaijiError):
    """Neither JPEG nor PNG."""

    code = "photo_type_unsupported"
    status = 415
    message = "只支持 JPG 或 PNG 照片"


class PhotoUnderReview(CaijiError):
    """A reviewer has opened the photo: it cannot be replaced or withdrawn."""

    code = "photo_under_review"
    status = 409
    message = "照片正在审核,暂时不能更换或撤回"


class PhotoRejectedBefore(CaijiError):
    """The same bytes were rejected by a reviewer."""

    code = "photo_rejected_before"
    status = 409
    message = "这张照片已被审核退回,请重新拍摄"


class PaymentFirst(CaijiError):
    """The feature code asks for payment before the photo."""

    code = "payment_required"
    status = 402
    message = "请先完成缴费,再上传照片"


class DailyLimitReached(TooManyRequests):
    """So many submissions today; tomorrow there are new ones."""

    code = "daily_limit"
    message = "今天上传次数已用完,请明天再试"


@dataclass(frozen=True)
class Submission:
    """The acknowledged photo. ``is_new`` is False when the same bytes were there before."""

    photo_id: uuid.UUID
    is_new: bool


def submit_photo(
    ctx: Context, *, user_id: uuid.UUID, enrolment_id: uuid.UUID, data: bytes
) -> Submission:
    """Accept one photo; when this returns, a power cut loses nothing.

    Raises:
        PhotoEmpty, PhotoTooLarge, PhotoTypeUnsupported, NotFound, NotRegistered,
        ConsentVersionOutdated,
        AlreadyCollected, PhotoUnderReview, PhotoRejectedBefore, PaymentFirst,
        DailyLimitReached, QueueFull, PhotoStoreUnavailable and the errors of the feature code.
    """
    refuse_unusable(data)
    sha256 = hash_bytes(data)
    with ctx.db.read() as session:
        _require_may_submit(session, ctx, user_id, enrolment_id, sha256)
    refuse_when_full(ctx)
    key = content_key("originals", sha256, ".bin")
    with keep_file(ctx, key, data):
        failpoints.hit("original_stored")
        try:
            submission = _record(ctx, user_id, enrolment_id, sha256, len(data), key)
        except IntegrityError:
            # The same bytes arrived twice at once; the other request made the row.
            submission = _record(ctx, user_id, enrolment_id, sha256, len(data), key)
    failpoints.hit("photo_committed")
    enqueue_check(ctx, submission.photo_id)
    failpoints.hit("photo_queued")
    return submission


def refuse_unusable(data: bytes) -> None:
    """Refuse what cannot be a photo by its size and first bytes."""
    if not data:
        raise PhotoEmpty
    if len(data) > MAX_PHOTO_BYTES:
        raise PhotoTooLarge
    if data.startswith((JPEG_MAGIC, PNG_MAGIC)):
        return
    if data[4:8] == b"ftyp" and data[8:12] in HEIC_BRANDS:
        raise PhotoTypeUnsupported(
            "这是 HEIC 照片。请在手机“设置 › 相机 › 格式”中选择“兼容性最佳”,或截图后上传"
        )
    raise PhotoTypeUnsupported


def enqueue_check(ctx: Context, photo_id: uuid.UUID) -> None:
    """Ask for the verdict; when the queue is away the sweeper asks later."""
    try:
        ctx.queue.enqueue_photo(photo_id)
    except QueueUnavailable as error:
        log.warning("queue_unavailable", photo_id=str(photo_id), kind=str(error))


def _require_may_submit(
    session: Session, ctx: Context, user_id: uuid.UUID, enrolment_id: uuid.UUID, sha256: str
) -> None:
    enrolment = session.get(Enrolment, enrolment_id)
    if enrolment is None or enrolment.wechat_user_id != user_id:
        raise NotFound
    require_eligible(enrolment)
    require_consent(session, enrolment.consent_version)
    code = _code_of(session, enrolment)
    require_open(code, ctx.now())
    if code.pay_first and enrolment.fee_settled_at is None:
        raise PaymentFirst
    if enrolment.photo is not None and enrolment.photo.opened_at is not None:
        raise PhotoUnderReview
    _refuse_over_daily_limit(session, ctx, enrolment_id, sha256, code.daily_submissions)


def _code_of(session: Session, enrolment: Enrolment) -> FeatureCode:
    if enrolment.feature_code_id is None:
        raise NotFound
    return session.get_one(FeatureCode, enrolment.feature_code_id)


def _refuse_over_daily_limit(
    session: Session, ctx: Context, enrolment_id: uuid.UUID, sha256: str, limit: int
) -> None:
    now = ctx.now()
    today = to_local(now).replace(hour=0, minute=0, second=0, microsecond=0)
    count = session.scalar(
        select(func.count())
        .select_from(Photo)
        .where(
            Photo.enrolment_id == enrolment_id,
            Photo.submitted_at >= today,
            Photo.sha256 != sha256,
        )
    )
    if (count or 0) >= limit:
        tomorrow = (today + dt.timedelta(days=1)).astimezone(LOCAL_ZONE)
        raise DailyLimitReached(retry_after_s=int((tomorrow - now).total_seconds()) + 1)


def _record(
    ctx: Context, user_id: uuid.UUID, enrolment_id: uuid.UUID, sha256: str, size: int, key: str
) -> Submission:
    with ctx.db.write() as session:
        share_files(session)
        enrolment = lock_enrolment(session, enrolment_id)
        if enrolment is None:
            raise NotFound
        require_eligible(enrolment)
        if enrolment.photo is not None and enrolment.photo.opened_at is not None:
            raise PhotoUnderReview
        known = session.scalars(
            select(Photo).where(Photo.enrolment_id == enrolment_id, Photo.sha256 == sha256)
        ).one_or_none()
        if known is not None:
            _take_again(session, enrolment, known, ctx.now(), key)
            return Submission(known.id, is_new=False)
        code = _code_of(session, enrolment)
        photo = Photo(
            enrolment_id=enrolment_id,
            user_id=user_id,
            sha256=sha256,
            size_bytes=size,
            original_key=key,
            profile=code.profile,
            background=code.background,
            submitted_at=ctx.now(),
        )
        session.add(photo)
        session.flush()
        return Submission(photo.id, is_new=True)


def _take_again(
    session: Session, enrolment: Enrolment, photo: Photo, now: dt.datetime, key: str
) -> None:
    """The same bytes again: what was withdrawn or superseded counts anew."""
    if photo.state is PhotoState.REJECTED:
        raise PhotoRejectedBefore
    # Retention took the photo itself: what is kept of it cannot be shown or exported.
    is_gone = photo.original_key is None
    has_no_verdict = photo.verdict is None or has_been_given_up(photo) or is_gone
    if photo.state not in {PhotoState.WITHDRAWN, PhotoState.SUPERSEDED} and not (
        has_no_verdict and photo.state is PhotoState.CHECKED
    ):
        return
    photo.submitted_at = now
    photo.original_key = key
    if has_no_verdict:
        photo.state = PhotoState.RECEIVED
        photo.verdict = None
        photo.report = None
        photo.check_started_at = None
        photo.check_attempts = 0
        return
    photo.state = PhotoState.CHECKED
    promote(session, enrolment, photo, actor=Actor("student", photo.user_id), at=now)


def wait_for_verdict(ctx: Context, photo_id: uuid.UUID, timeout_s: float) -> Photo:
    """Return the photo as soon as it has its verdict, or as it is when the time is over."""
    deadline = time.monotonic() + timeout_s
    while True:
        with ctx.db.read() as session:
            state = session.scalars(select(Photo.state).where(Photo.id == photo_id)).one()
            if state is not PhotoState.RECEIVED or time.monotonic() >= deadline:
                return session.get_one(Photo, photo_id)
        time.sleep(POLL_S)
