"""The refunds of a bill, held against ours by number, amount and state."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator

from sqlalchemy import select, update

from models import ReconciliationDifference, Refund, RefundState
from server.context import Context
from server.gateways.pay import BillRow, RefundEvidence, RefundStatus
from server.services.money.books.differences import (
    AGREED_NOTE,
    REFUND_AMOUNT_DIFFERS,
    REFUND_BOOKED,
    REFUND_MISSING_HERE,
    REFUND_MISSING_THERE,
    REFUND_STATE_DIFFERS,
    Difference,
)
from server.services.money.refunds.book import apply_refund_in

BILL_STATES = {
    "SUCCESS": RefundStatus.SUCCESS,
    "": RefundStatus.SUCCESS,
    "PROCESSING": RefundStatus.PROCESSING,
    "FAIL": RefundStatus.CLOSED,
    "CHANGE": RefundStatus.ABNORMAL,
}
"""The bill's words for the state of a refund."""


def compare_refunds(ctx: Context, day: dt.date, rows: list[BillRow]) -> Iterator[Difference]:
    """Yield the refunds of the bill that our books do not have like this.

    What WeChat has finished and we have not, or do not know at all, is booked on the spot.
    """
    before = find_refunds(ctx, rows)
    late = [row for row in rows if _is_news(before.get(row.out_refund_no), row)]
    for row in late:
        with ctx.db.write() as session:
            apply_refund_in(session, ctx, _as_refund_evidence(row))
    after = find_refunds(ctx, rows) if late else before
    _note_bill_date(ctx, day, [row.out_refund_no for row in rows if row.out_refund_no in after])
    for row in rows:
        kind = _judge_refund(before.get(row.out_refund_no), after.get(row.out_refund_no), row)
        if kind is not None:
            yield _refund_difference(kind, row, after.get(row.out_refund_no))


def find_refunds(ctx: Context, rows: list[BillRow]) -> dict[str, Refund]:
    """Return our refunds for these rows by number."""
    numbers = {row.out_refund_no for row in rows}
    with ctx.db.read() as session:
        found = session.scalars(select(Refund).where(Refund.out_refund_no.in_(numbers)))
        return {refund.out_refund_no: refund for refund in found}


def _is_news(refund: Refund | None, row: BillRow) -> bool:
    """Whether a line of the bill tells of a result that our books do not have."""
    if refund is None:
        return True
    is_back = row.refund_status == RefundStatus.SUCCESS
    return is_back and refund.state is not RefundState.SUCCESS


def _as_refund_evidence(row: BillRow) -> RefundEvidence:
    """Turn a line of the bill into evidence like any other."""
    return RefundEvidence(
        out_refund_no=row.out_refund_no,
        status=BILL_STATES.get(row.refund_status, RefundStatus.PROCESSING),
        refund_id=row.refund_id,
        out_trade_no=row.out_trade_no,
        transaction_id=row.transaction_id,
        refund_fen=row.refund_fen,
        success_time=row.trade_time,
        mch_id=row.mch_id,
    )


def _judge_refund(before: Refund | None, after: Refund | None, row: BillRow) -> str | None:
    """Return in which way bill and books differ about a refund, or differed until now."""
    if after is None:
        return REFUND_MISSING_HERE
    if after.amount_fen != row.refund_fen:
        return REFUND_AMOUNT_DIFFERS
    is_back = row.refund_status in {"", RefundStatus.SUCCESS}
    if is_back != (after.state is RefundState.SUCCESS):
        is_running = row.refund_status == RefundStatus.PROCESSING
        return None if is_running else REFUND_STATE_DIFFERS
    was_booked = before is None or (is_back and before.state is not RefundState.SUCCESS)
    return REFUND_BOOKED if was_booked else None


def _refund_difference(kind: str, row: BillRow, refund: Refund | None) -> Difference:
    """Describe a refund on which we differ."""
    return Difference(
        kind=kind,
        out_trade_no=row.out_trade_no,
        transaction_id=row.out_refund_no,
        our_fen=refund.amount_fen if refund else None,
        their_fen=row.refund_fen,
        institution_id=refund.institution_id if refund else None,
    )


def _note_bill_date(ctx: Context, day: dt.date, numbers: list[str]) -> None:
    """Keep to which day WeChat counts these refunds; another day's bill need not have them."""
    if not numbers:
        return
    difference = ReconciliationDifference
    with ctx.db.write() as session:
        session.execute(
            update(Refund).where(Refund.out_refund_no.in_(numbers)).values(bill_date=day)
        )
        session.execute(
            update(difference)
            .where(difference.kind == REFUND_MISSING_THERE, difference.resolved_at.is_(None))
            .where(difference.transaction_id.in_(numbers))
            .values(resolved_at=ctx.now(), resolution_note=AGREED_NOTE)
        )
