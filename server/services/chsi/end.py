"""A code ends when the handover is confirmed: who collects, or 学信网, says the photo is there.

A week after that, so that a list that was mapped wrongly does not cost everybody their codes. A
student whose photo is unlocked again (勘误) or called wrong (校对有误) keeps it, or gives it anew.
"""

from __future__ import annotations

from sqlalchemy import delete, func, select

from models import ChsiCode, DeletionRecord, Enrolment
from server.context import Context
from server.services.chsi_due import is_confirmed_column
from server.services.compliance.period import CODE_KEPT

PAGE = 500


def end_codes(ctx: Context, *, is_dry: bool = False) -> int:
    """Delete the codes that nobody needs any more, or with ``is_dry`` only count them.

    Returns how many; owns its transactions.
    """
    is_over = ChsiCode.enrolment_id.in_(
        select(Enrolment.id).where(is_confirmed_column(ctx.now() - CODE_KEPT))
    )
    if is_dry:
        with ctx.db.read() as session:
            return session.scalar(select(func.count()).select_from(ChsiCode).where(is_over)) or 0
    count = 0
    while True:
        with ctx.db.write() as session:
            query = select(ChsiCode.id, ChsiCode.enrolment_id).where(is_over).limit(PAGE)
            rows = session.execute(query).all()
            session.execute(delete(ChsiCode).where(ChsiCode.id.in_([row.id for row in rows])))
            session.add_all(
                DeletionRecord(
                    at=ctx.now(),
                    subject_kind="chsi_code",
                    subject_id=str(row.enrolment_id),
                    reason="handover confirmed",
                )
                for row in rows
            )
        count += len(rows)
        if len(rows) < PAGE:
            return count
