"""The student's moment (DESIGN: batches): when photo and money were both there, for the student.

It is the later of the photo's submission and, where a fee was paid, WeChat's ``success_time``, in
whole seconds. When we learned of either, judged the photo or forgave the fee does not count. A
first try that we refused, or on which our checker died, is the submission when the student tries
again within the hour.
"""

from __future__ import annotations

import datetime as dt
import uuid

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from models import Enrolment, Order, OrderState, Photo, RefusedUpload

TRY_AGAIN_WITHIN = dt.timedelta(hours=1)
SETTLES_THE_FEE = (OrderState.PAID, OrderState.REFUNDING, OrderState.PARTLY_REFUNDED)


def whole_second(moment: dt.datetime) -> dt.datetime:
    """Return the beginning of the second: cut-offs and WeChat's times have whole seconds."""
    return moment.replace(microsecond=0)


def resolve_moment(
    submitted_at: dt.datetime, counts_from: dt.datetime | None, paid_at: dt.datetime | None
) -> dt.datetime:
    """Return the moment of one photo and one payment; ``paid_at`` None where nothing was paid."""
    photo_at = whole_second(counts_from or submitted_at)
    return photo_at if paid_at is None else max(photo_at, whole_second(paid_at))


def find_moment(session: Session, enrolment: Enrolment, photo: Photo) -> dt.datetime:
    """Return the moment of an enrolment with this photo, by the payment that settled its fee."""
    return resolve_moment(photo.submitted_at, photo.counts_from, find_paid_at(session, enrolment))


def find_paid_at(session: Session, enrolment: Enrolment) -> dt.datetime | None:
    """Return WeChat's time of the payment that settled the fee; None when none was needed."""
    return session.scalar(
        select(func.min(Order.paid_at)).where(
            Order.enrolment_id == enrolment.id, Order.state.in_(SETTLES_THE_FEE)
        )
    )


def find_first_try(refused: RefusedUpload | None, now: dt.datetime) -> dt.datetime | None:
    """Return when the try began that we refused and that may be repeated still."""
    if refused is None or now - refused.last_at > TRY_AGAIN_WITHIN:
        return None
    return refused.first_at


def take_first_try(
    session: Session, refused: RefusedUpload | None, now: dt.datetime
) -> dt.datetime | None:
    """Return it like ``find_first_try`` and use it up: it counts for one photo."""
    if refused is not None:
        session.delete(refused)
    return find_first_try(refused, now)


def note_failed_try(
    session: Session, enrolment_id: uuid.UUID, *, began_at: dt.datetime, now: dt.datetime
) -> None:
    """Write down that a photo which came at ``began_at`` was not taken through our own fault."""
    refused = session.get(RefusedUpload, enrolment_id, with_for_update=True)
    if refused is None:
        session.add(RefusedUpload(enrolment_id=enrolment_id, first_at=began_at, last_at=now))
        return
    if now - refused.last_at > TRY_AGAIN_WITHIN:
        refused.first_at = began_at
    refused.first_at = min(refused.first_at, began_at)
    refused.last_at = now
