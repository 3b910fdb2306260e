"""The column 减免 of a roster: forgives the fee of students, each with a reason.

An empty cell changes nothing: what finance forgave by hand stays forgiven.
"""

from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import Iterator

from sqlalchemy import select
from sqlalchemy.orm import Session

from models import AuditEntry, Enrolment, FieldCipher
from server.services.collection import Actor, lock_enrolment
from server.services.money.waivers import REASON_LENGTH, find_fee_fen, waive_fee

COLUMN = "减免"
NOT_REASONS = {"否", "无", "不", "不减免", "没有", "0", "n", "no", "false", "-", "—", "/", "×", "x"}
LOOKED_UP_AT_ONCE = 500


def find_waiver_fault(reason: str) -> str | None:
    """Return what is wrong with a cell of the column: a no is no reason to forgive a fee."""
    if reason.lower() in NOT_REASONS:
        return "减免应写原因（例如 建档立卡）；不减免的请留空"
    if len(reason) > REASON_LENGTH:
        return f"减免超过 {REASON_LENGTH} 个字"
    return None


def waive_listed(
    session: Session,
    institution_id: uuid.UUID,
    reasons: dict[str, str],
    *,
    actor: Actor,
    at: dt.datetime,
    cipher: FieldCipher,
) -> None:
    """Forgive the fees of students by 学号, in the caller's transaction, each one audited.

    Who has paid or was forgiven meanwhile stays as they are.
    """
    for student_no, enrolment_id in find_ids(session, institution_id, list(reasons)):
        enrolment = lock_enrolment(session, enrolment_id)
        if enrolment is None:
            continue
        reason = reasons[student_no]
        if waive_fee(session, enrolment, reason=reason, actor=actor, at=at, cipher=cipher):
            session.add(_describe(session, enrolment, actor, at))


def find_ids(
    session: Session, institution_id: uuid.UUID, student_nos: list[str]
) -> Iterator[tuple[str, uuid.UUID]]:
    """Yield 学号 and id of those that there are."""
    for start in range(0, len(student_nos), LOOKED_UP_AT_ONCE):
        some = student_nos[start : start + LOOKED_UP_AT_ONCE]
        query = select(Enrolment.student_no, Enrolment.id).where(
            Enrolment.institution_id == institution_id, Enrolment.student_no.in_(some)
        )
        yield from ((row.student_no, row.id) for row in session.execute(query).all())


def _describe(session: Session, enrolment: Enrolment, actor: Actor, at: dt.datetime) -> AuditEntry:
    return AuditEntry(
        institution_id=enrolment.institution_id,
        at=at,
        staff_id=actor.id,
        action="payment.waive",
        subject_kind="enrolment",
        subject_id=str(enrolment.id),
        detail={"amount_fen": find_fee_fen(session, enrolment)},
    )
