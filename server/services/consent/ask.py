"""What holds now: the present notice of an institution, and whether a student agreed.

A version is ``2026-11``, or ``2026-11.2`` for the same with better words. The law asks for consent
anew when purpose, method or kind of data change (PIPL, article 14): that is a new name before the
dot, and whoever agreed to an older one is asked again before the next photo. A consent to a
receiver or to comparing faces goes on as long as the notice says the same about it.
"""

from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import Sequence
from typing import TypeVar

from sqlalchemy import ColumnElement, Select, and_, case, exists, func, select
from sqlalchemy.orm import InstrumentedAttribute, Session

from models import ConsentRecord, ConsentText, Enrolment
from server.errors import CaijiError
from server.services.consent.parts import FACES, PHOTO, NoticeParts, read_parts

T = TypeVar("T")


class ConsentVersionOutdated(CaijiError):
    """The student agreed to a notice that is not the present one."""

    code = "consent_outdated"
    status = 409
    message = "告知书已更新，请阅读后重新确认"


class ConsentWithdrawn(CaijiError):
    """The student took the consent to the photo back."""

    code = "consent_withdrawn"
    status = 409
    message = "对照片采集的同意已撤回，不能上传。要继续采集，请在“隐私与数据”里重新同意"


def list_notices(session: Session, institution_id: uuid.UUID) -> Sequence[ConsentText]:
    """Return the published notices of an institution, the newest first."""
    return session.scalars(_of(institution_id, select(ConsentText))).all()


def _of(
    institution_id: uuid.UUID | InstrumentedAttribute[uuid.UUID], query: Select[T]
) -> Select[T]:
    """Return the query for the published notices of an institution, the newest first."""
    return query.where(
        ConsentText.institution_id == institution_id, ConsentText.published_at.is_not(None)
    ).order_by(ConsentText.published_at.desc(), ConsentText.version.desc())


def current_notice(session: Session, institution_id: uuid.UUID) -> ConsentText:
    """Return the present notice of an institution."""
    return list_notices(session, institution_id)[0]


PRESENT_VERSION = (
    _of(Enrolment.institution_id, select(ConsentText.version))
    .limit(1)
    .correlate(Enrolment)
    .scalar_subquery()
)
"""The version of the present notice, as an expression on Enrolment."""
IS_PUBLISHED = (
    exists()
    .where(
        ConsentText.institution_id == Enrolment.institution_id,
        ConsentText.version == Enrolment.consent_version,
        ConsentText.published_at.is_not(None),
    )
    .correlate(Enrolment)
)
"""Whether the version that the student agreed to was published, as a condition on Enrolment."""


def require_current(session: Session, institution_id: uuid.UUID, version: str) -> None:
    """Refuse a version that was never published or that no longer says what is done.

    Raises:
        ConsentVersionOutdated.
    """
    versions = session.scalars(_of(institution_id, select(ConsentText.version))).all()
    present = next(iter(versions), None)
    _require_same_meaning(version, present, is_published=version in versions)


def require_photo_consent(session: Session, enrolment: Enrolment) -> None:
    """Refuse a new photo without a consent to the photo that holds now.

    Raises:
        ConsentWithdrawn, ConsentVersionOutdated.
    """
    query = select(PRESENT_VERSION, IS_PUBLISHED).where(Enrolment.id == enrolment.id)
    present, is_published = session.execute(query).one()
    require_consent_under(session, enrolment, present, is_published=is_published)


def require_consent_under(
    session: Session, enrolment: Enrolment, present: str | None, *, is_published: bool
) -> None:
    """Do the same with what PRESENT_VERSION and IS_PUBLISHED have said of the enrolment."""
    agreed = enrolment.consent_version
    if agreed is None and find_latest(session, enrolment.id, PHOTO) is not None:
        raise ConsentWithdrawn
    _require_same_meaning(agreed, present, is_published=is_published)


def _require_same_meaning(version: str | None, present: str | None, *, is_published: bool) -> None:
    if version is None or present is None or not is_published:
        raise ConsentVersionOutdated
    if meaning_of(version) != meaning_of(present):
        raise ConsentVersionOutdated


def has_consent(session: Session, enrolment: Enrolment, kind: str) -> bool:
    """Tell whether an enrolment's consent of this kind is given and holds now.

    ``kind`` is ``PHOTO``, ``FACES`` or the key of a receiver. Never a default: what nobody was
    asked, or was asked under a notice that said something else, is no consent.
    """
    latest = find_latest(session, enrolment.id, kind)
    if latest is None or not latest.is_given:
        return False
    return latest.version in list_valid_versions(session, enrolment.institution_id, kind)


def is_consented(session: Session, institution_id: uuid.UUID, kind: str) -> ColumnElement[bool]:
    """Return :func:`has_consent` as a condition on Enrolment, for lists of one institution."""
    holds = and_(
        ConsentRecord.is_given,
        ConsentRecord.version.in_(list_valid_versions(session, institution_id, kind)),
    )
    newest = (
        select(case((holds, 1), else_=0))
        .where(ConsentRecord.enrolment_id == Enrolment.id, ConsentRecord.kind == kind)
        .order_by(ConsentRecord.at.desc(), ConsentRecord.id.desc())
        .limit(1)
        .correlate(Enrolment)
        .scalar_subquery()
    )
    return func.coalesce(newest, 0) == 1


def has_agreed_since(kind: str, moment: dt.datetime) -> ColumnElement[bool]:
    """Return the condition on Enrolment that this consent was given after a moment."""
    return exists().where(
        ConsentRecord.enrolment_id == Enrolment.id,
        ConsentRecord.kind == kind,
        ConsentRecord.is_given,
        ConsentRecord.at > moment,
    )


def find_latest(session: Session, enrolment_id: uuid.UUID, kind: str) -> ConsentRecord | None:
    """Return the newest row of an enrolment and a kind."""
    return session.scalars(
        select(ConsentRecord)
        .where(ConsentRecord.enrolment_id == enrolment_id, ConsentRecord.kind == kind)
        .order_by(ConsentRecord.at.desc(), ConsentRecord.id.desc())
        .limit(1)
    ).one_or_none()


def list_valid_versions(session: Session, institution_id: uuid.UUID, kind: str) -> list[str]:
    """Return the versions under which a consent of this kind still means the same.

    A photo that was taken stays under the consent of its time: for it every version is valid.
    """
    notices = list_notices(session, institution_id)
    if kind == PHOTO:
        return [notice.version for notice in notices]
    present = read_parts(notices[0].parts).describe(kind) if notices else None
    if present is None:
        return []
    return [
        notice.version
        for notice in notices
        if meaning_of(notice.version) == meaning_of(notices[0].version)
        or read_parts(notice.parts).describe(kind) == present
    ]


def list_kinds(parts: NoticeParts) -> list[str]:
    """Return what students can be asked under a notice: the photo, each named receiver, faces."""
    receivers = [receiver.key for receiver in parts.receivers if receiver.is_complete]
    return [PHOTO, *receivers, *([FACES] if parts.faces else [])]


def meaning_of(version: str) -> str:
    """Return the part of a version that changes when its meaning does."""
    return version.partition(".")[0]
