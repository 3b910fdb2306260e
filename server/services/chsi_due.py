"""Whether an enrolment waits for its 图像采集码, and whether its photo is too old for 学信网.

What every story asks; taking a code, waiving it and drawing it is the story ``chsi``.
"""

from __future__ import annotations

import datetime as dt
import re

from sqlalchemy import ColumnElement, and_, exists, select
from sqlalchemy.orm import Session, aliased

from models import (
    ChsiCode,
    ChsiOutcome,
    ChsiPolicy,
    ChsiResult,
    ChsiWaiver,
    CollectionStatus,
    Enrolment,
    FeatureCode,
)
from server.gateways.clock import to_local

TERM = re.compile(r"(20\d\d)(?:\D{0,3}?(1[0-2]|0?[1-9])(?!\d))?")
SEASONS = {"夏": 6, "秋": 7, "冬": 12}
"""The first month in which those of a term may graduate; spring is any time from January on."""


def is_code_due(session: Session, enrolment: Enrolment) -> bool:
    """Tell whether the photo may not become 已上传 before the student's code is there."""
    return (
        read_policy(session, enrolment) is ChsiPolicy.REQUIRED
        and not has_code(session, enrolment)
        and not is_waived(session, enrolment)
    )


def read_policy(session: Session, enrolment: Enrolment) -> ChsiPolicy:
    """Return what the code through which the student came says about the 图像采集码."""
    if enrolment.feature_code_id is None:
        return ChsiPolicy.OFF
    return session.get_one(FeatureCode, enrolment.feature_code_id).chsi_policy


def has_code(session: Session, enrolment: Enrolment) -> bool:
    """Tell whether we hold the student's code."""
    found = select(ChsiCode.id).where(ChsiCode.enrolment_id == enrolment.id)
    return session.scalar(found) is not None


def is_waived(session: Session, enrolment: Enrolment) -> bool:
    """Tell whether staff let the student go on without a code."""
    found = select(ChsiWaiver.id).where(ChsiWaiver.enrolment_id == enrolment.id)
    return session.scalar(found) is not None


def code_due_column() -> ColumnElement[bool]:
    """Return :func:`is_code_due` as an expression on Enrolment, for lists and figures."""
    return and_(
        exists().where(
            FeatureCode.id == Enrolment.feature_code_id,
            FeatureCode.chsi_policy == ChsiPolicy.REQUIRED,
        ),
        ~exists().where(ChsiCode.enrolment_id == Enrolment.id),
        ~exists().where(ChsiWaiver.enrolment_id == Enrolment.id),
    )


def is_confirmed_column(before: dt.datetime | None = None) -> ColumnElement[bool]:
    """Return the condition on Enrolment that its code has done its work.

    The photo is collected, and the newest that came back says that it was reported or is visible.
    ``before``: that came before then.
    """
    later = aliased(ChsiResult)
    came = [ChsiResult.at < before] if before is not None else []
    is_newest = ~exists().where(
        later.enrolment_id == ChsiResult.enrolment_id,
        later.outcome == ChsiOutcome.WRONG,
        later.day >= ChsiResult.day,
    )
    return and_(
        Enrolment.collection_status == CollectionStatus.COLLECTED,
        exists().where(
            ChsiResult.enrolment_id == Enrolment.id,
            ChsiResult.outcome != ChsiOutcome.WRONG,
            is_newest,
            *came,
        ),
    )


def is_confirmed(session: Session, enrolment: Enrolment) -> bool:
    """Tell :func:`is_confirmed_column` of one enrolment."""
    query = select(Enrolment.id).where(Enrolment.id == enrolment.id, is_confirmed_column())
    return session.scalar(query) is not None


def read_graduation(expected_term: str) -> dt.date | None:
    """Return the first day on which somebody of this 预计毕业 may graduate; None: nobody can tell.

    Rosters write ``2027 春``, ``2027-07``, ``2027年7月``, ``202707`` or ``2027``.
    """
    found = TERM.search(expected_term)
    if found is None:
        return None
    season = next((month for word, month in SEASONS.items() if word in expected_term), 1)
    return dt.date(int(found[1]), int(found[2]) if found[2] else season, 1)


def find_first_day(expected_term: str) -> dt.date | None:
    """Return the day before which a photo is taken too early: a year before graduation."""
    graduation = read_graduation(expected_term)
    return None if graduation is None else graduation.replace(year=graduation.year - 1)


def needs_new_photo(session: Session, enrolment: Enrolment, now: dt.datetime) -> bool:
    """Tell whether the photo that counts is more than a year older than the graduation.

    Only once that year has begun: before, a new photo would be too early, too. Only where the
    feature code asks for the 图像采集码: the rule is that of 学信网.
    """
    photo = enrolment.photo
    first_day = find_first_day(enrolment.expected_term)
    if photo is None or first_day is None or to_local(now).date() < first_day:
        return False
    if to_local(photo.submitted_at).date() >= first_day:
        return False
    return read_policy(session, enrolment) is not ChsiPolicy.OFF
