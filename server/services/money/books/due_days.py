"""Every day is compared with its bill: those that were missed, too, the oldest first."""

from __future__ import annotations

import datetime as dt

import structlog
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from models import Order, Reconciliation
from server.context import Context
from server.gateways.clock import to_local
from server.services.money.books.reconcile import BillNotReady, reconcile

log = structlog.get_logger()

BILL_READY_HOUR = 10  # WeChat makes yesterday's bill ready at ten in the morning
BILLS_KEPT = dt.timedelta(days=90)
"""WeChat hands out the bills of the last three months."""
TRY_AGAIN_AFTER = dt.timedelta(hours=1)
ALERT_ABOVE_DAYS = 2


def list_due_days(session: Session, now: dt.datetime) -> list[dt.date]:
    """Return the days whose bill is out and that no run has compared to its end, oldest first.

    The first is the day of the first order, or yesterday where there is none.
    """
    local = to_local(now)
    is_out = local.hour >= BILL_READY_HOUR
    last = local.date() - dt.timedelta(days=1 if is_out else 2)
    begun = session.scalar(select(func.min(Order.created_at)))
    yesterday = local.date() - dt.timedelta(days=1)
    first = max(to_local(begun).date() if begun else yesterday, local.date() - BILLS_KEPT)
    done = set(
        session.scalars(
            select(Reconciliation.bill_date).where(
                Reconciliation.bill_date >= first,
                Reconciliation.finished_at.is_not(None),
                Reconciliation.error == "",
            )
        )
    )
    days = [first + dt.timedelta(days=place) for place in range((last - first).days + 1)]
    return [day for day in days if day not in done]


def count_due_days(session: Session, now: dt.datetime) -> int:
    """Return how many days wait; above ``ALERT_ABOVE_DAYS`` somebody has to look."""
    return len(list_due_days(session, now))


def reconcile_due_days(ctx: Context) -> int:
    """Compare every due day that was not tried within the hour; returns how many were tried.

    A day with which anything is wrong keeps none of the others waiting.
    """
    with ctx.db.read() as session:
        days = list_due_days(session, ctx.now())
        tries = session.execute(
            select(Reconciliation.bill_date, func.max(Reconciliation.started_at))
            .where(Reconciliation.bill_date.in_(days))
            .group_by(Reconciliation.bill_date)
        )
        tried = {row[0]: row[1] for row in tries}
    if len(days) > ALERT_ABOVE_DAYS:
        log.error("days_not_reconciled", count=len(days), oldest=str(days[0]))
    count = 0
    for day in days:
        last_try = tried.get(day)
        if last_try is not None and ctx.now() - last_try < TRY_AGAIN_AFTER:
            continue
        count += 1
        try:
            reconcile(ctx, day)
        except BillNotReady:
            log.warning("bill_not_ready", day=str(day))
        except Exception:
            log.exception("day_not_reconciled", day=str(day))
    return count
