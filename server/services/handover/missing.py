"""Who was handed over and has not come back, and whom the newest results call wrong."""

from __future__ import annotations

import uuid
from dataclasses import dataclass

from sqlalchemy import exists, select

from models import ChsiOutcome, ChsiResult, Enrolment, HandedOver, HandoverReceipt
from server.context import Context
from server.services.viewer import Viewer

SHOWN = 500


@dataclass(frozen=True)
class MissingResult:
    """A student of a handover without the result that closes it."""

    id: uuid.UUID
    student_no: str
    name: str
    serial: int
    photo_number: str
    last: str
    """The newest result in words; empty: none came."""


def list_missing_results(
    ctx: Context, viewer: Viewer, receipt_id: uuid.UUID
) -> list[MissingResult]:
    """Return who of a handover is not 学信网可见 yet, in the order of the serial numbers."""
    is_visible = exists().where(
        ChsiResult.enrolment_id == Enrolment.id, ChsiResult.outcome == ChsiOutcome.VISIBLE
    )
    last = (
        select(ChsiResult.outcome)
        .where(ChsiResult.enrolment_id == Enrolment.id)
        .order_by(ChsiResult.day.desc(), ChsiResult.at.desc())
        .limit(1)
        .scalar_subquery()
    )
    with ctx.db.read() as session:
        rows = session.execute(
            select(Enrolment, HandedOver.serial, last)
            .join(HandedOver, HandedOver.enrolment_id == Enrolment.id)
            .join(HandoverReceipt, HandoverReceipt.job_id == HandedOver.job_id)
            .where(
                HandoverReceipt.id == receipt_id,
                HandoverReceipt.institution_id == viewer.institution_id,
                ~is_visible,
            )
            .order_by(HandedOver.serial)
            .limit(SHOWN)
        )
        return [
            MissingResult(
                row.id,
                row.student_no,
                row.name,
                serial,
                row.photo_number,
                ChsiOutcome(outcome).label if outcome else "",
            )
            for row, serial, outcome in rows
        ]
