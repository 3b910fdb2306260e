"""Giving and withdrawing consents: one row a kind, and what each of them stands at."""

from __future__ import annotations

import datetime as dt
import uuid
from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.orm import Session

from models import ConsentRecord, ConsentText, Enrolment
from server.errors import CaijiError
from server.services.consent.ask import (
    current_notice,
    find_latest,
    list_kinds,
    list_valid_versions,
    meaning_of,
)
from server.services.consent.parts import FACES, PHOTO, NoticeParts, read_parts

QUIET = dt.timedelta(hours=48)
"""So long after a withdrawal nobody is asked for the same again (GB/T 41819)."""


class ConsentKindUnknown(CaijiError):
    """The present notice asks for nothing of this kind."""

    code = "consent_kind_unknown"
    status = 422
    message = "现在的告知书里没有这一项"


@dataclass(frozen=True)
class Decider:
    """Who gives or withdraws: a student, a guardian, staff for someone in person, or the system."""

    kind: str
    user_id: uuid.UUID | None = None
    staff_id: uuid.UUID | None = None


SYSTEM = Decider("system")


@dataclass(frozen=True)
class ConsentState:
    """One kind for one enrolment, as it stands."""

    kind: str
    title: str
    text: str
    is_given: bool
    version: str
    """Of the notice that the last decision saw; empty where there was none."""
    at: dt.datetime | None
    was_given: bool
    """The last decision was to give it: where it does not hold now, the notice has changed."""
    may_ask: bool
    """Nobody decided, or a withdrawal is more than 48 hours old: a page may ask."""


def list_states(
    session: Session, enrolment: Enrolment, now: dt.datetime
) -> tuple[ConsentText, list[ConsentState]]:
    """Return the present notice and every consent that it asks for, the photo first.

    What was given and is not asked for any more stays in the list while it is given: it can be
    withdrawn.
    """
    notice = current_notice(session, enrolment.institution_id)
    parts = read_parts(notice.parts)
    offered = list_kinds(parts)
    return notice, [_read_state(session, enrolment, parts, notice, kind, now) for kind in offered]


def _read_state(
    session: Session,
    enrolment: Enrolment,
    parts: NoticeParts,
    notice: ConsentText,
    kind: str,
    now: dt.datetime,
) -> ConsentState:
    latest = find_latest(session, enrolment.id, kind)
    title, text = _describe_kind(parts, kind)
    is_given = latest is not None and latest.is_given
    if is_given and latest is not None:
        if kind == PHOTO:
            is_given = meaning_of(latest.version) == meaning_of(notice.version)
        else:
            is_given = latest.version in list_valid_versions(
                session, enrolment.institution_id, kind
            )
    is_quiet = latest is not None and not latest.is_given and now - latest.at < QUIET
    return ConsentState(
        kind=kind,
        title=title,
        text=text,
        is_given=is_given,
        version=latest.version if latest else "",
        at=latest.at if latest else None,
        was_given=latest is not None and latest.is_given,
        may_ask=not is_given and not is_quiet,
    )


def _describe_kind(parts: NoticeParts, kind: str) -> tuple[str, str]:
    """Return title and text of one consent, as a switch shows it."""
    if kind == PHOTO:
        return "采集照片，用于学历注册", parts.purpose
    if kind == FACES:
        return "人脸比对", parts.faces
    receiver = parts.find_receiver(kind)
    if receiver is None:
        return kind, ""
    text = (
        f"提供给{receiver.name}，用于{receiver.purpose}。提供：{receiver.fields}。"
        f"对方保存：{receiver.period}。联系方式：{receiver.contact}。"
    )
    return receiver.title, text


def record_consent(
    session: Session,
    enrolment: Enrolment,
    kind: str,
    *,
    is_given: bool,
    decider: Decider,
    at: dt.datetime,
) -> bool:
    """Write one decision under the present notice; returns whether it changes anything.

    In the caller's transaction, with the enrolment locked. A withdrawal of the photo takes every
    other consent with it: they all rest on the photo.

    Raises:
        ConsentKindUnknown: for a consent that nobody asks for. Withdrawing is always heard.
    """
    notice = current_notice(session, enrolment.institution_id)
    latest = find_latest(session, enrolment.id, kind)
    if is_given and kind not in list_kinds(read_parts(notice.parts)):
        raise ConsentKindUnknown
    if not is_given and (latest is None or not latest.is_given):
        if latest is None and kind not in list_kinds(read_parts(notice.parts)):
            raise ConsentKindUnknown
        return False
    if is_given and latest is not None and latest.is_given and latest.version == notice.version:
        return False
    add_record(
        session,
        enrolment,
        kind,
        is_given=is_given,
        version=notice.version,
        decider=decider,
        at=at,
    )
    if kind == PHOTO:
        enrolment.consent_version = notice.version if is_given else None
        enrolment.updated_at = at
        if not is_given:
            _withdraw_others(session, enrolment, notice.version, decider, at)
    return True


def add_record(
    session: Session,
    enrolment: Enrolment,
    kind: str,
    *,
    is_given: bool,
    version: str,
    decider: Decider,
    at: dt.datetime,
) -> None:
    """Append one row."""
    session.add(
        ConsentRecord(
            enrolment_id=enrolment.id,
            kind=kind,
            is_given=is_given,
            version=version,
            given_by=decider.kind,
            user_id=decider.user_id,
            staff_id=decider.staff_id,
            at=at,
        )
    )
    session.flush()


def withdraw_everything(
    session: Session, enrolment: Enrolment, at: dt.datetime, decider: Decider = SYSTEM
) -> None:
    """End every consent: another person stands behind the enrolment, or nobody."""
    version = current_notice(session, enrolment.institution_id).version
    _withdraw_others(session, enrolment, version, decider, at)


def _withdraw_others(
    session: Session, enrolment: Enrolment, version: str, decider: Decider, at: dt.datetime
) -> None:
    kinds = session.scalars(
        select(ConsentRecord.kind).where(ConsentRecord.enrolment_id == enrolment.id).distinct()
    ).all()
    for kind in sorted(kinds):
        latest = find_latest(session, enrolment.id, kind)
        if latest is not None and latest.is_given:
            add_record(
                session,
                enrolment,
                kind,
                is_given=False,
                version=version,
                decider=decider,
                at=at,
            )
