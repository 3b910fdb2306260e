"""Compares our books with WeChat's bill of one day; every difference is a row for finance.

A payment that the bill has and we lack is settled on the spot by the same function that callbacks
use. What still differs afterwards stays open until a person, or a later run, resolves it.
"""

from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from itertools import islice

import structlog
from sqlalchemy import select, update
from sqlalchemy.orm import Session

from models import HAS_MONEY, Order, Reconciliation, ReconciliationDifference, Refund, RefundState
from models import QuarantinedPayment as Held
from server.context import Context
from server.errors import CaijiError
from server.gateways.clock import find_day_start
from server.gateways.pay import (
    BillRow,
    EvidenceSource,
    PaymentEvidence,
    TradeState,
)
from server.gateways.transport import GatewayError, GatewayUnavailable
from server.services.money.books.bill_refunds import compare_refunds
from server.services.money.books.differences import (
    AGREED_NOTE,
    AMOUNT_DIFFERS,
    BOOKED_NOW,
    LATE_NOTE,
    MISSING_HERE,
    MISSING_THERE,
    REFUND_MISSING_THERE,
    SETTLED_LATE,
    Difference,
)
from server.services.money.numbers import is_our_number
from server.services.money.refunds.book import UNTOLD
from server.services.money.settling.settle import settle_payment
from server.upsert import insert_once

log = structlog.get_logger()

CHUNK_ROWS = 500
Progress = Callable[[int], None]


def ignore(rows: int) -> None:
    """Show no progress."""


class BillNotReady(CaijiError):
    """WeChat has no bill for that day yet, or does not answer."""

    code = "bill_not_ready"
    status = 503
    message = "账单暂时无法下载"


@dataclass(slots=True)
class Comparison:
    """What was seen while reading one bill."""

    rows: int = 0
    foreign_rows: int = 0
    paid_fen: int = 0
    refunded_fen: int = 0
    transactions: set[str] = field(default_factory=set)
    refunds: set[str] = field(default_factory=set)
    differences: list[Difference] = field(default_factory=list)


def reconcile(ctx: Context, day: dt.date, progress: Progress = ignore) -> Reconciliation:
    """Compare `day` (Asia/Shanghai) and keep the result. Running it again is safe.

    Raises:
        BillNotReady: the bill could not be had; the failed run is kept with its reason.
    """
    run_id = _start_run(ctx, day)
    try:
        comparison = compare(ctx, day, ctx.pay.download_bill(day), progress)
    except GatewayError as error:
        _finish_run(ctx, run_id, Comparison(), error=str(error))
        raise BillNotReady from None
    comparison.differences.extend(_find_missing_there(ctx, day, comparison))
    _keep_differences(ctx, run_id, day, comparison.differences)
    return _finish_run(ctx, run_id, comparison)


def compare(
    ctx: Context, day: dt.date, bill: Iterator[BillRow], progress: Progress = ignore
) -> Comparison:
    """Read the whole bill, a chunk at a time, against orders and refunds.

    Lines of the college's other systems are counted, and that is all.

    Raises:
        GatewayUnavailable: a line of ours cannot be read.
    """
    comparison = Comparison()
    while chunk := list(islice(bill, CHUNK_ROWS)):
        orders = _find_orders(ctx, chunk)
        ours = [row for row in chunk if is_ours(ctx, row, orders)]
        if fault := next((row.fault for row in ours if row.fault), ""):
            raise GatewayUnavailable(fault)
        comparison.rows += len(chunk)
        comparison.foreign_rows += len(chunk) - len(ours)
        payments = [row for row in ours if not row.is_refund]
        refunds = [row for row in ours if row.is_refund]
        comparison.paid_fen += sum(row.amount_fen for row in payments)
        comparison.refunded_fen += sum(row.refund_fen for row in refunds)
        comparison.transactions.update(row.transaction_id for row in payments)
        comparison.refunds.update(row.out_refund_no for row in refunds)
        comparison.differences.extend(_compare_payments(ctx, payments, orders))
        comparison.differences.extend(compare_refunds(ctx, day, refunds))
        progress(comparison.rows)
    return comparison


def is_ours(ctx: Context, row: BillRow, orders: dict[str, Order]) -> bool:
    """Whether a line is about one of our orders, or could be by its number."""
    return row.out_trade_no in orders or is_our_number(ctx, row.out_trade_no)


def _compare_payments(
    ctx: Context, rows: list[BillRow], orders: dict[str, Order]
) -> Iterator[Difference]:
    """Yield the payments of the bill that our books do not have like this."""
    for row in rows:
        order = orders.get(row.out_trade_no)
        if order is not None and holds(order, row):
            if order.amount_fen != row.amount_fen:
                yield _payment_difference(AMOUNT_DIFFERS, row, order)
            continue
        settle_payment(ctx, _as_evidence(row))
        order = _find_orders(ctx, [row]).get(row.out_trade_no)
        is_settled = order is not None and holds(order, row)
        if is_settled or not _is_resolved_by_finance(ctx, row):
            yield _payment_difference(SETTLED_LATE if is_settled else MISSING_HERE, row, order)


def _find_orders(ctx: Context, rows: list[BillRow]) -> dict[str, Order]:
    """Return our orders for these rows by number."""
    numbers = {row.out_trade_no for row in rows}
    with ctx.db.read() as session:
        orders = session.scalars(select(Order).where(Order.out_trade_no.in_(numbers)))
        return {order.out_trade_no: order for order in orders}


def holds(order: Order, row: BillRow) -> bool:
    """Whether the order has this very payment."""
    return order.state in HAS_MONEY and order.transaction_id == row.transaction_id


def _is_resolved_by_finance(ctx: Context, row: BillRow) -> bool:
    """Whether a person has already decided what happens to this payment."""
    with ctx.db.read() as session:
        held = session.scalars(select(Held).where(Held.transaction_id == row.transaction_id)).all()
    return bool(held) and all(each.resolved_at is not None for each in held)


def _as_evidence(row: BillRow) -> PaymentEvidence:
    """Turn a line of the bill into evidence like any other."""
    return PaymentEvidence(
        source=EvidenceSource.BILL,
        app_id=row.app_id,
        mch_id=row.mch_id,
        out_trade_no=row.out_trade_no,
        transaction_id=row.transaction_id,
        trade_state=TradeState.SUCCESS,
        amount_fen=row.amount_fen,
        currency=row.currency,
        payer_openid=row.openid,
        success_time=row.trade_time,
    )


def _payment_difference(kind: str, row: BillRow, order: Order | None) -> Difference:
    """Describe a payment on which we differ."""
    has_money = order is not None and order.state in HAS_MONEY
    return Difference(
        kind=kind,
        out_trade_no=row.out_trade_no,
        transaction_id=row.transaction_id,
        our_fen=order.amount_fen if order is not None and has_money else None,
        their_fen=row.amount_fen,
        institution_id=order.institution_id if order is not None else None,
    )


def _find_missing_there(ctx: Context, day: dt.date, seen: Comparison) -> Iterator[Difference]:
    """Yield what we hold for paid or refunded on `day` and the bill does not show."""
    start = find_day_start(day).astimezone(dt.UTC)
    end = start + dt.timedelta(days=1)
    with ctx.db.read() as session:
        orders = session.scalars(
            select(Order).where(Order.paid_at >= start, Order.paid_at < end)
        ).all()
        refunds = session.scalars(
            select(Refund)
            .where(Refund.finished_at >= start, Refund.finished_at < end)
            .where(Refund.state == RefundState.SUCCESS, Refund.bill_date.is_(None))
            .where(Refund.reason != UNTOLD)
        ).all()
    for order in orders:
        if order.state in HAS_MONEY and order.transaction_id not in seen.transactions:
            yield Difference(
                MISSING_THERE,
                order.out_trade_no,
                order.transaction_id or "",
                order.amount_fen,
                None,
                order.institution_id,
            )
    for refund in refunds:
        if refund.out_refund_no not in seen.refunds:
            yield Difference(
                REFUND_MISSING_THERE,
                refund.out_trade_no,
                refund.out_refund_no,
                refund.amount_fen,
                None,
                refund.institution_id,
            )


def _keep_differences(
    ctx: Context, run_id: uuid.UUID, day: dt.date, differences: Iterable[Difference]
) -> None:
    """Write new differences once, and resolve those of the same day that have gone away."""
    now = ctx.now()
    found = {fingerprint(day, each): each for each in differences}
    with ctx.db.write() as session:
        for key, each in found.items():
            is_late = each.kind in BOOKED_NOW
            insert_once(
                session,
                ReconciliationDifference,
                key="fingerprint",
                values={
                    "reconciliation_id": run_id,
                    "institution_id": each.institution_id,
                    "fingerprint": key,
                    "bill_date": day,
                    "kind": each.kind,
                    "out_trade_no": each.out_trade_no[:64],
                    "transaction_id": each.transaction_id[:64],
                    "our_fen": each.our_fen,
                    "their_fen": each.their_fen,
                    "resolved_at": now if is_late else None,
                    "resolution_note": LATE_NOTE if is_late else "",
                },
            )
        _close_gone(session, day, list(found), now)


def _close_gone(session: Session, day: dt.date, found: list[str], now: dt.datetime) -> None:
    """Resolve what agrees by now, and open again what had agreed once and does not any more."""
    of_the_day = update(ReconciliationDifference).where(ReconciliationDifference.bill_date == day)
    session.execute(
        of_the_day.where(ReconciliationDifference.resolved_at.is_(None))
        .where(ReconciliationDifference.fingerprint.not_in(found))
        .values(resolved_at=now, resolution_note=AGREED_NOTE)
    )
    session.execute(
        of_the_day.where(ReconciliationDifference.resolution_note == AGREED_NOTE)
        .where(ReconciliationDifference.resolved_by.is_(None))
        .where(ReconciliationDifference.fingerprint.in_(found))
        .values(resolved_at=None, resolution_note="")
    )


def fingerprint(day: dt.date, each: Difference) -> str:
    """Return what makes a difference the same one in the next run."""
    return f"{day}:{each.kind}:{each.out_trade_no}:{each.transaction_id}"[:160]


def _start_run(ctx: Context, day: dt.date) -> uuid.UUID:
    """Write that a run begins."""
    with ctx.db.write() as session:
        run = Reconciliation(bill_date=day, started_at=ctx.now())
        session.add(run)
        session.flush()
        return run.id


def _finish_run(
    ctx: Context, run_id: uuid.UUID, comparison: Comparison, error: str = ""
) -> Reconciliation:
    """Write how the run ended."""
    with ctx.db.write() as session:
        run = session.get_one(Reconciliation, run_id)
        run.finished_at = ctx.now()
        run.bill_rows = comparison.rows
        run.foreign_rows = comparison.foreign_rows
        run.paid_fen = comparison.paid_fen
        run.refunded_fen = comparison.refunded_fen
        run.error = error[:200]
    log.info(
        "reconciled",
        day=str(run.bill_date),
        rows=run.bill_rows,
        differences=len(comparison.differences),
        error=run.error,
    )
    return run
