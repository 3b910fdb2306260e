"""Where an enrolment stands with its 图像采集码: what student and staff are shown."""

from __future__ import annotations

import datetime as dt
import uuid
from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.orm import Session

from models import (
    ChsiCode,
    ChsiPolicy,
    ChsiResult,
    ChsiWaiver,
    CollectionStatus,
    Enrolment,
    FieldCipher,
)
from server.gateways.clock import to_local
from server.services.chsi.symbol import Symbol
from server.services.chsi_due import find_first_day, is_confirmed, needs_new_photo, read_policy
from server.services.collection import WAITING

LABELS = {
    "off": "不收",
    "missing": "未提供",
    "present": "已提供",
    "waived": "不需要",
    "ended": "已交接并得到确认，码已删除",
}
HANDED_IN = (*WAITING, CollectionStatus.COLLECTED)
"""The photo was handed in with its code: that may be exchanged, but not only taken away."""


@dataclass(frozen=True)
class ChsiState:
    """What is shown of a code; never the code itself.

    Attributes:
        value: one of LABELS.
        at: when the code was given, or waived.
        source: ``scan``, ``picture``, or empty.
        new_photo_from: the day before which a photo is too early, where that is still to come or
            the present photo is older.
        needs_new_photo: the photo that counts is older than that day, which has come.
    """

    policy: ChsiPolicy
    value: str
    at: dt.datetime | None = None
    source: str = ""
    can_remove: bool = False
    new_photo_from: dt.date | None = None
    needs_new_photo: bool = False
    results: tuple[ChsiResult, ...] = ()
    """What came back of this student, the newest first."""

    @property
    def label(self) -> str:
        """The Chinese word shown to people."""
        return LABELS[self.value]


def read_chsi_state(session: Session, enrolment: Enrolment, now: dt.datetime) -> ChsiState:
    """Return where one enrolment stands."""
    policy = read_policy(session, enrolment)
    of_this = ChsiCode.enrolment_id == enrolment.id
    code = session.scalars(select(ChsiCode).where(of_this)).one_or_none()
    results = tuple(
        session.scalars(
            select(ChsiResult)
            .where(ChsiResult.enrolment_id == enrolment.id)
            .order_by(ChsiResult.day.desc(), ChsiResult.at.desc())
        )
    )
    if policy is ChsiPolicy.OFF and code is None:
        return ChsiState(policy, "off", results=results)
    waiver = session.scalars(
        select(ChsiWaiver).where(ChsiWaiver.enrolment_id == enrolment.id)
    ).one_or_none()
    value, at = "missing", None
    if code is not None:
        value, at = "present", code.created_at
    elif waiver is not None:
        value, at = "waived", waiver.at
    elif results and is_confirmed(session, enrolment):
        value = "ended"
    is_old = needs_new_photo(session, enrolment, now)
    return ChsiState(
        policy,
        value,
        at=at,
        source=code.source if code is not None else "",
        can_remove=code is not None and may_remove(policy, enrolment),
        new_photo_from=_find_shown_day(enrolment, now) if not is_old else None,
        needs_new_photo=is_old,
        results=results,
    )


def may_remove(policy: ChsiPolicy, enrolment: Enrolment) -> bool:
    """Tell whether the student may take the code away without putting another one in its place."""
    is_handed_in = enrolment.collection_status in HANDED_IN
    return policy is not ChsiPolicy.REQUIRED or not is_handed_in


def _find_shown_day(enrolment: Enrolment, now: dt.datetime) -> dt.date | None:
    """Return the day from which a photo counts, where it is still to come."""
    first_day = find_first_day(enrolment.expected_term)
    return first_day if first_day is not None and to_local(now).date() < first_day else None


def find_symbol(session: Session, enrolment_id: uuid.UUID, cipher: FieldCipher) -> Symbol | None:
    """Return what the picture of a student's code is drawn from; None where there is no code."""
    code = session.scalars(select(ChsiCode).where(ChsiCode.enrolment_id == enrolment_id)).first()
    return Symbol.of_row(code, cipher) if code is not None else None
