"""Whether a photo may come now: everything that is asked before its bytes are stored."""

from __future__ import annotations

import datetime as dt
import uuid
from dataclasses import dataclass

from sqlalchemy import and_, bindparam, func, select
from sqlalchemy.orm import Session, aliased, joinedload

from models import Enrolment, FeatureCode, Photo, PhotoState, RefusedUpload
from server.context import Context
from server.errors import CaijiError, NotFound
from server.gateways.clock import LOCAL_ZONE, to_local
from server.security.attempts import TooManyRequests
from server.services.college.batches import require_kept_batch
from server.services.college.codes import require_open
from server.services.consent.ask import require_photo_consent
from server.services.moment import find_first_try
from server.services.student.eligible import require_eligible


class PhotoUnderReview(CaijiError):
    """A reviewer has opened the photo: it cannot be replaced or withdrawn."""

    code = "photo_under_review"
    status = 409
    message = "照片正在审核，暂时不能更换或撤回。"


class PaymentFirst(CaijiError):
    """The feature code asks for payment before the photo."""

    code = "payment_required"
    status = 402
    message = "请先完成缴费，再上传照片。"


class DailyLimitReached(TooManyRequests):
    """So many submissions today; tomorrow there are new ones."""

    code = "daily_limit"
    message = "今天的上传次数已用完，请明天再试。"


@dataclass(frozen=True)
class Found:
    """What one read tells of an enrolment to which a photo is being sent."""

    enrolment: Enrolment
    code: FeatureCode | None
    refused: RefusedUpload | None
    same: Photo | None
    """The photo of the same bytes."""


SAME = aliased(Photo)
# Built once: building a statement costs more than running it.
FIND = (
    select(Enrolment, FeatureCode, RefusedUpload, SAME)
    .outerjoin(FeatureCode, FeatureCode.id == Enrolment.feature_code_id)
    .outerjoin(RefusedUpload, RefusedUpload.enrolment_id == Enrolment.id)
    .outerjoin(
        SAME, and_(SAME.enrolment_id == Enrolment.id, SAME.sha256 == bindparam("wanted_hash"))
    )
    .where(Enrolment.id == bindparam("wanted_id"))
    .options(joinedload(Enrolment.photo))
)


def find_upload(session: Session, enrolment_id: uuid.UUID, sha256: str) -> Found:
    """Read all of it with one statement: on the last evening this is what a database does most.

    Raises:
        NotFound.
    """
    row = session.execute(FIND, {"wanted_id": enrolment_id, "wanted_hash": sha256}).one_or_none()
    if row is None:
        raise NotFound
    return Found(*row)


def require_may_submit(
    session: Session,
    ctx: Context,
    found: Found,
    user_id: uuid.UUID,
    sha256: str,
    *,
    is_confirmed: bool,
) -> None:
    """Refuse what stands against a photo that a student brings.

    Raises:
        NotFound, PaymentFirst, DailyLimitReached and the errors of :func:`require_may_take`.
    """
    if found.enrolment.wechat_user_id != user_id:
        raise NotFound
    code = require_may_take(session, ctx, found, is_confirmed=is_confirmed)
    if code.pay_first and code.fee_fen and found.enrolment.fee_settled_at is None:
        raise PaymentFirst
    _refuse_over_daily_limit(session, ctx, found.enrolment.id, sha256, code.daily_submissions)


def require_may_take(
    session: Session, ctx: Context, found: Found, *, is_confirmed: bool
) -> FeatureCode:
    """Refuse what stands against a photo, whoever brings it; returns the code it comes under.

    Raises:
        NotFound, NotRegistered, AlreadyCollected, ConsentWithdrawn, ConsentVersionOutdated,
        PhotoUnderReview, WouldLoseBatch and the errors of the feature code.
    """
    enrolment = found.enrolment
    require_eligible(enrolment)
    require_photo_consent(session, enrolment)
    if found.code is None:
        raise NotFound
    came_at = find_first_try(found.refused, ctx.now()) or ctx.now()
    require_open(found.code, came_at)
    if enrolment.photo is not None and enrolment.photo.opened_at is not None:
        raise PhotoUnderReview
    if not is_confirmed and counts_anew(found.same):
        require_kept_batch(session, enrolment, came_at)
    return found.code


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
            Photo.taken_by.is_(None),
        )
    )
    if (count or 0) >= limit:
        tomorrow = (today + dt.timedelta(days=1)).astimezone(LOCAL_ZONE)
        raise DailyLimitReached(retry_after_s=int((tomorrow - now).total_seconds()) + 1)


def counts_anew(same: Photo | None) -> bool:
    """Tell whether a submission changes anything: the same bytes again mostly do not."""
    return same is None or same.state in {PhotoState.WITHDRAWN, PhotoState.SUPERSEDED}
