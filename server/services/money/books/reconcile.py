"""Compares our books with WeChat's bill of one day; every difference is a row for finance.

A payment that the bill has and we lack is settled on the spot by the same function that callbacks
use. What still differs afterwards stays open until a person, or a later run, resolves it.
"""

from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from itertools import islice

import structlog
from sqlalchemy import select, update
from sqlalchemy.orm import Session

from models import Order, Reconciliation, ReconciliationDifference, Refund, RefundState
from models import QuarantinedPayment as Held
from server.context import Context
from server.errors import CaijiError
from server.gateways.clock import LOCAL_ZONE, to_local
from server.gateways.pay import BillRow, EvidenceSource, PaymentEvidence, TradeState
from server.gateways.transport import GatewayError
from server.services.insert_once import insert_once
from server.services.settle_payment import HAS_MONEY, settle_payment

log = structlog.get_logger()

CHUNK_ROWS = 500
BILL_READY_HOUR = 10  # WeChat makes yesterday's bill ready at ten in the morning
AGREED_NOTE = "再次核对后一致"
LATE_NOTE = "对账时补记入账"
MISSING_HERE = "missing_here"
MISSING_THERE = "missing_there"
AMOUNT_DIFFERS = "amount_differs"
SETTLED_LATE = "settled_late"
REFUND_MISSING_HERE = "refund_missing_here"
REFUND_MISSING_THERE = "refund_missing_there"
REFUND_AMOUNT_DIFFERS = "refund_amount_differs"
KIND_LABELS = {
    MISSING_HERE: "账单有,系统没有",
    MISSING_THERE: "系统有,账单没有",
    AMOUNT_DIFFERS: "金额不一致",
    SETTLED_LATE: "对账时补记",
    REFUND_MISSING_HERE: "退款:账单有,系统没有",
    REFUND_MISSING_THERE: "退款:系统有,账单没有",
    REFUND_AMOUNT_DIFFERS: "退款金额不一致",
}


class BillNotReady(CaijiError):
    """WeChat has no bill for that day yet, or does not answer."""

    code = "bill_not_ready"
    status = 503
    message = "账单暂时无法下载"


@dataclass(frozen=True, slots=True)
class Difference:
    """One thing on which bill and books do not agree. Amounts in fen, None where unknown."""

    kind: str
    out_trade_no: str
    transaction_id: str
    our_fen: int | None
    their_fen: int | None
    institution_id: uuid.UUID | None = None


@dataclass(slots=True)
class Comparison:
    """What was seen while reading one bill."""

    rows: int = 0
    paid_fen: int = 0
    refunded_fen: int = 0
    transactions: set[str] = field(default_factory=set)
    refunds: set[str] = field(default_factory=set)
    differences: list[Difference] = field(default_factory=list)


def reconcile(ctx: Context, day: dt.date) -> Reconciliation:
    """Compare `day` (Asia/Shanghai) and keep the result. Running it again is safe.

    Raises:
        BillNotReady: the bill could not be had; the failed run is kept with its reason.
    """
    run_id = start_run(ctx, day)
    try:
        comparison = compare(ctx, ctx.pay.download_bill(day))
    except GatewayError as error:
        finish_run(ctx, run_id, Comparison(), error=str(error))
        raise BillNotReady from None
    comparison.differences.extend(find_missing_there(ctx, day, comparison))
    keep_differences(ctx, run_id, day, comparison.differences)
    return finish_run(ctx, run_id, comparison)


def compare(ctx: Context, bill: Iterator[BillRow]) -> Comparison:
    """Read the whole bill, a chunk at a time, against orders and refunds."""
    comparison = Comparison()
    while chunk := list(islice(bill, CHUNK_ROWS)):
        comparison.rows += len(chunk)
        payments = [row for row in chunk if not row.is_refund]
        refunds = [row for row in chunk if row.is_refund]
        comparison.paid_fen += sum(row.amount_fen for row in payments)
        comparison.refunded_fen += sum(row.refund_fen for row in refunds)
        comparison.transactions.update(row.transaction_id for row in payments)
        comparison.refunds.update(row.out_refund_no for row in refunds)
        comparison.differences.extend(compare_payments(ctx, payments))
        comparison.differences.extend(compare_refunds(ctx, refunds))
    return comparison


def compare_payments(ctx: Context, rows: list[BillRow]) -> Iterator[Difference]:
    """Yield the payments of the bill that our books do not have like this."""
    orders = find_orders(ctx, rows)
    for row in rows:
        order = orders.get(row.out_trade_no)
        if order is not None and holds(order, row):
            if order.amount_fen != row.amount_fen:
                yield payment_difference(AMOUNT_DIFFERS, row, order)
            continue
        settle_payment(ctx, as_evidence(row))
        order = find_orders(ctx, [row]).get(row.out_trade_no)
        is_settled = order is not None and holds(order, row)
        if is_settled or not is_resolved_by_finance(ctx, row):
            yield payment_difference(SETTLED_LATE if is_settled else MISSING_HERE, row, order)


def find_orders(ctx: Context, rows: list[BillRow]) -> dict[str, Order]:
    """Return our orders for these rows by number."""
    numbers = {row.out_trade_no for row in rows}
    with ctx.db.read() as session:
        orders = session.scalars(select(Order).where(Order.out_trade_no.in_(numbers)))
        return {order.out_trade_no: order for order in orders}


def holds(order: Order, row: BillRow) -> bool:
    """Whether the order has this very payment."""
    return order.state in HAS_MONEY and order.transaction_id == row.transaction_id


def is_resolved_by_finance(ctx: Context, row: BillRow) -> bool:
    """Whether a person has already decided what happens to this payment."""
    with ctx.db.read() as session:
        held = session.scalars(select(Held).where(Held.transaction_id == row.transaction_id)).all()
    return bool(held) and all(each.resolved_at is not None for each in held)


def as_evidence(row: BillRow) -> PaymentEvidence:
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


def payment_difference(kind: str, row: BillRow, order: Order | None) -> Difference:
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


def compare_refunds(ctx: Context, rows: list[BillRow]) -> Iterator[Difference]:
    """Yield the refunds of the bill that our books do not have like this."""
    numbers = {row.out_refund_no for row in rows}
    with ctx.db.read() as session:
        ours = {
            refund.out_refund_no: refund
            for refund in session.scalars(select(Refund).where(Refund.out_refund_no.in_(numbers)))
        }
    for row in rows:
        refund = ours.get(row.out_refund_no)
        if refund is None:
            kind = REFUND_MISSING_HERE
        elif refund.amount_fen != row.refund_fen:
            kind = REFUND_AMOUNT_DIFFERS
        else:
            continue
        yield Difference(
            kind=kind,
            out_trade_no=row.out_trade_no,
            transaction_id=row.out_refund_no,
            our_fen=refund.amount_fen if refund else None,
            their_fen=row.refund_fen,
            institution_id=refund.institution_id if refund else None,
        )


def find_missing_there(ctx: Context, day: dt.date, seen: Comparison) -> Iterator[Difference]:
    """Yield what we hold for paid or refunded on `day` and the bill does not show."""
    start = dt.datetime.combine(day, dt.time(), LOCAL_ZONE).astimezone(dt.UTC)
    end = start + dt.timedelta(days=1)
    with ctx.db.read() as session:
        orders = session.scalars(
            select(Order).where(Order.paid_at >= start, Order.paid_at < end)
        ).all()
        refunds = session.scalars(
            select(Refund)
            .where(Refund.finished_at >= start, Refund.finished_at < end)
            .where(Refund.state == RefundState.SUCCESS, Refund.requested_at >= start)
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


def keep_differences(
    ctx: Context, run_id: uuid.UUID, day: dt.date, differences: Iterable[Difference]
) -> None:
    """Write new differences once, and resolve those of the same day that have gone away."""
    now = ctx.now()
    found = {fingerprint(day, each): each for each in differences}
    with ctx.db.write() as session:
        for key, each in found.items():
            is_late = each.kind == SETTLED_LATE
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
        close_gone(session, day, list(found), now)


def close_gone(session: Session, day: dt.date, found: list[str], now: dt.datetime) -> None:
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


def start_run(ctx: Context, day: dt.date) -> uuid.UUID:
    """Write that a run begins."""
    with ctx.db.write() as session:
        run = Reconciliation(bill_date=day, started_at=ctx.now())
        session.add(run)
        session.flush()
        return run.id


def finish_run(
    ctx: Context, run_id: uuid.UUID, comparison: Comparison, error: str = ""
) -> Reconciliation:
    """Write how the run ended."""
    with ctx.db.write() as session:
        run = session.get_one(Reconciliation, run_id)
        run.finished_at = ctx.now()
        run.bill_rows = comparison.rows
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


def reconcile_yesterday_if_due(ctx: Context) -> bool:
    """Do yesterday's comparison once, after WeChat has made the bill ready; hourly until it works.

    Returns whether a run was made.
    """
    local = to_local(ctx.now())
    if local.hour < BILL_READY_HOUR:
        return False
    day = local.date() - dt.timedelta(days=1)
    with ctx.db.read() as session:
        last = session.scalars(
            select(Reconciliation)
            .where(Reconciliation.bill_date == day)
            .order_by(Reconciliation.started_at.desc())
            .limit(1)
        ).one_or_none()
    if last is not None:
        is_done = last.finished_at is not None and not last.error
        if is_done or ctx.now() - last.started_at < dt.timedelta(hours=1):
            return False
    try:
        reconcile(ctx, day)
    except BillNotReady:
        log.warning("bill_not_ready", day=str(day))
    return True
