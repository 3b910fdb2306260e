"""Whom an export leaves out because they have not agreed: named on its page, never in it.

An export that would hold nobody is refused before it starts, and says why.
"""

from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import Iterable
from dataclasses import dataclass, replace

from sqlalchemy import exists, func, not_, select
from sqlalchemy.orm import Session

from models import ConsentRecord, Enrolment
from server.errors import CaijiError
from server.services.consent.ask import current_notice, is_consented
from server.services.consent.parts import PHOTO, read_parts
from server.services.exports.plan import PAGE, AnyUse, ExportOrder, count_rows, list_suited


class ExportEmpty(CaijiError):
    """Nobody in the batch is 已采集 for this use."""

    code = "export_empty"
    status = 422
    message = "该批次没有已采集的照片，没有可导出的内容"


class NothingNew(ExportEmpty):
    """Whoever is in the batch for this use was in it at the moment to go on from."""

    message = "上次导出以后没有新的照片，没有可导出的内容"


class NobodyAgreed(CaijiError):
    """Photos are collected, and no student has agreed to these uses."""

    code = "nobody_agreed"
    status = 422
    message = "批次里没有学生同意所选用途的接收方。学生可以在小程序“隐私与数据”里逐项同意"


class UseUnnamed(CaijiError):
    """The notice names no receiver of a use: no student can agree, so nobody would be in it."""

    code = "use_unnamed"
    status = 422
    message = "告知书没有写明这种用途的接收方，学生无法同意，导出里不会有任何照片"


@dataclass(frozen=True)
class LeftOut:
    """One collected student, and the uses that this student has not agreed to."""

    id: uuid.UUID
    student_no: str
    name: str
    uses: tuple[AnyUse, ...]


def list_unnamed(
    session: Session, institution_id: uuid.UUID, uses: Iterable[AnyUse]
) -> list[AnyUse]:
    """Return the uses that no student can agree to, for the present notice does not name them."""
    parts = read_parts(current_notice(session, institution_id).parts)
    return [
        use
        for use in uses
        if use.consent_kind != PHOTO and parts.describe(use.consent_kind) is None
    ]


def require_somebody(session: Session, order: ExportOrder) -> None:
    """Refuse an export, before it starts, that would hold nobody.

    Raises:
        UseUnnamed: also where only one of several uses is without a receiver.
        NothingNew, NobodyAgreed, ExportEmpty.
    """
    if unnamed := list_unnamed(session, order.institution_id, order.uses):
        named = "、".join(use.label for use in unnamed)
        raise UseUnnamed(
            f"告知书没有写明“{named}”的接收方，学生无法同意，导出里不会有任何照片。"
            "请先在“告知书”里补上接收方并发布，或去掉这种用途"
        )
    if any(count_rows(session, order, use) for use in order.uses):
        return
    whole = replace(order, since=None)
    if order.since is not None and any(count_rows(session, whole, use) for use in order.uses):
        raise NothingNew
    is_refused = any(list_without_consent(session, order, use) for use in order.uses)
    raise NobodyAgreed if is_refused else ExportEmpty


def list_without_consent(session: Session, order: ExportOrder, use: AnyUse) -> list[uuid.UUID]:
    """Return who would be in one use and has not agreed to it, in the order of 学号."""
    has_agreed = is_consented(session, order.institution_id, use.consent_kind)
    everybody = replace(order, since=None)
    query = select(Enrolment.id).where(*list_suited(everybody, use), not_(has_agreed))
    return list(session.scalars(query.order_by(Enrolment.student_no)))


def count_withdrawn(session: Session, order: ExportOrder) -> int:
    """Return how many, since the export was asked for, took back what one of its uses needs."""
    withdrawn: set[uuid.UUID] = set()
    for use in order.uses:
        is_back = exists().where(
            ConsentRecord.enrolment_id == Enrolment.id,
            ConsentRecord.kind == use.consent_kind,
            ConsentRecord.at > order.as_of,
            not_(ConsentRecord.is_given),
        )
        has_agreed = is_consented(session, order.institution_id, use.consent_kind)
        query = select(Enrolment.id).where(*list_suited(order, use), is_back, not_(has_agreed))
        withdrawn |= set(session.scalars(query))
    return len(withdrawn)


def name_left_out(
    session: Session, uses: tuple[AnyUse, ...], kept: dict[str, list[str]]
) -> list[LeftOut]:
    """Return the people whom a job row keeps by their ids (use to ids), in the order of 学号."""
    of_person: dict[uuid.UUID, list[AnyUse]] = {}
    for use in uses:
        for each in kept.get(use.value, []):
            of_person.setdefault(uuid.UUID(each), []).append(use)
    ids = list(of_person)
    found: list[LeftOut] = []
    for start in range(0, len(ids), PAGE):
        page = Enrolment.id.in_(ids[start : start + PAGE])
        query = select(Enrolment.id, Enrolment.student_no, Enrolment.name).where(page)
        found += [
            LeftOut(key, number, name, tuple(of_person[key]))
            for key, number, name in session.execute(query)
        ]
    return sorted(found, key=lambda each: each.student_no)


def find_last_withdrawal(session: Session, institution_id: uuid.UUID) -> dt.datetime | None:
    """Return when somebody of the institution last took a consent back."""
    return session.scalar(
        select(func.max(ConsentRecord.at))
        .join(Enrolment, Enrolment.id == ConsentRecord.enrolment_id)
        .where(Enrolment.institution_id == institution_id, not_(ConsentRecord.is_given))
    )
