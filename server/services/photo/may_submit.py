"""Whether a photo may come now: asked before its bytes are stored, and once more under the lock."""

from __future__ import annotations

import datetime as dt
import uuid
from dataclasses import dataclass

from sqlalchemy import and_, bindparam, func, select
from sqlalchemy.orm import Session, aliased, joinedload

from models import Enrolment, FeatureCode, Photo, PhotoState, RefusedUpload
from server.errors import CaijiError, NotFound
from server.gateways.clock import find_day_start, to_local
from server.gateways.photo_store import content_key
from server.security.attempts import TooManyRequests
from server.services.collection import Actor
from server.services.college.batches import require_kept_batch
from server.services.college.codes import require_open
from server.services.consent.ask import IS_PUBLISHED, PRESENT_VERSION, require_consent_under
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
class ReceivedPhoto:
    """What has arrived.

    Attributes:
        user_id: the student who sent it; None where ``staff_id`` took it on site.
        is_confirmed: the sender knows that it may move the student to a later batch.
        source: where it came from, as the client says; None on site, or where it does not say.
        came_at: when all of it was here: what we do with it afterwards makes nobody late.
    """

    user_id: uuid.UUID | None
    staff_id: uuid.UUID | None
    enrolment_id: uuid.UUID
    sha256: str
    size_bytes: int
    is_confirmed: bool
    source: str | None
    came_at: dt.datetime

    @property
    def key(self) -> str:
        """Its key in the photo store."""
        return content_key("originals", self.sha256, ".bin")

    @property
    def actor(self) -> Actor:
        """Who brought it."""
        if self.staff_id is not None:
            return Actor("staff", self.staff_id)
        return Actor("student", self.user_id)


@dataclass(frozen=True)
class Found:
    """What one read tells of an enrolment to which a photo is being sent.

    Attributes:
        same_id: the photo of the same bytes.
        others_today: how many other photos the student sent since midnight.
        notice: the version of the present privacy notice; None where none is published.
        is_published: the version that the student agreed to was published once.
    """

    enrolment: Enrolment
    code: FeatureCode | None
    refused: RefusedUpload | None
    same_id: uuid.UUID | None
    same_state: PhotoState | None
    others_today: int
    notice: str | None
    is_published: bool


SAME, OTHER = aliased(Photo), aliased(Photo)
OTHERS_TODAY = (
    select(func.count())
    .where(
        OTHER.enrolment_id == Enrolment.id,
        OTHER.submitted_at >= bindparam("midnight"),
        OTHER.sha256 != bindparam("wanted_hash"),
        OTHER.taken_by.is_(None),
    )
    .scalar_subquery()
)
# Built once: building a statement costs more than running it.
FIND = (
    select(
        Enrolment,
        FeatureCode,
        RefusedUpload,
        SAME.id,
        SAME.state,
        OTHERS_TODAY,
        PRESENT_VERSION,
        IS_PUBLISHED,
    )
    .outerjoin(FeatureCode, FeatureCode.id == Enrolment.feature_code_id)
    .outerjoin(RefusedUpload, RefusedUpload.enrolment_id == Enrolment.id)
    .outerjoin(
        SAME, and_(SAME.enrolment_id == Enrolment.id, SAME.sha256 == bindparam("wanted_hash"))
    )
    .where(Enrolment.id == bindparam("wanted_id"))
    .options(joinedload(Enrolment.photo))
)


def find_upload(session: Session, photo: ReceivedPhoto) -> Found:
    """Read all of it with one statement: on the last evening this is what a database does most.

    Raises:
        NotFound.
    """
    sought = {
        "wanted_id": photo.enrolment_id,
        "wanted_hash": photo.sha256,
        "midnight": _start_of_day(photo.came_at),
    }
    row = session.execute(FIND, sought).one_or_none()
    if row is None:
        raise NotFound
    return Found(*row)


def require_may_submit(session: Session, found: Found, photo: ReceivedPhoto) -> FeatureCode:
    """Refuse what stands against a photo; returns the code it comes under.

    Asked twice: before the bytes are stored, so that a refusal costs little, and with the
    enrolment locked, so that nothing came in between.

    Raises:
        NotFound, NotRegistered, AlreadyCollected, ConsentWithdrawn, ConsentVersionOutdated,
        PhotoUnderReview, PaymentFirst, WouldLoseBatch, DailyLimitReached and the errors of the
        feature code; of these neither PaymentFirst nor DailyLimitReached on site.
    """
    enrolment, code = found.enrolment, found.code
    is_on_site = photo.staff_id is not None
    if not is_on_site and enrolment.wechat_user_id != photo.user_id:
        raise NotFound
    require_eligible(enrolment)
    require_consent_under(session, enrolment, found.notice, is_published=found.is_published)
    if code is None:
        raise NotFound
    came_at = find_first_try(found.refused, photo.came_at) or photo.came_at
    require_open(code, came_at)
    if enrolment.photo is not None and enrolment.photo.opened_at is not None:
        raise PhotoUnderReview
    if not photo.is_confirmed and _counts_anew(found.same_state):
        require_kept_batch(session, enrolment, came_at)
    if not is_on_site:
        _require_turn(found, code, photo.came_at)
    return code


def _require_turn(found: Found, code: FeatureCode, came_at: dt.datetime) -> None:
    """Refuse a student who has to pay first, or has sent as many today as a day allows."""
    if code.pay_first and code.fee_fen and found.enrolment.fee_settled_at is None:
        raise PaymentFirst
    if found.others_today >= code.daily_submissions:
        left = _start_of_day(came_at) + dt.timedelta(days=1) - came_at
        raise DailyLimitReached(retry_after_s=int(left.total_seconds()) + 1)


def _start_of_day(moment: dt.datetime) -> dt.datetime:
    return find_day_start(to_local(moment).date())


def _counts_anew(same: PhotoState | None) -> bool:
    """Tell whether a submission changes anything: the same bytes again mostly do not."""
    return same in {None, PhotoState.WITHDRAWN, PhotoState.SUPERSEDED}
