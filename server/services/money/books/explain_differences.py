"""Reconciliation for finance: a day compared on request, its differences, their explanations."""

from __future__ import annotations

import datetime as dt
import uuid
from dataclasses import dataclass

from sqlalchemy import ColumnElement, func, select, update
from sqlalchemy.orm import Session

from models import Reconciliation, ReconciliationDifference, Staff
from server.context import Context
from server.errors import CaijiError, NotFound
from server.gateways.clock import to_local
from server.gateways.transport import time_budget
from server.services.audit import record_audit
from server.services.money.books.reconcile import reconcile
from server.services.viewer import Viewer

DAYS_SHOWN = 31
NOTE_LENGTH = 500
STAFF_WAITS_S = 25.0


class DayNotOver(CaijiError):
    """There is a bill of whole days only."""

    code = "day_not_over"
    status = 422
    message = "请选择昨天或更早的日期"


class DifferenceUnexplained(CaijiError):
    """Finance must be able to explain every fen."""

    code = "difference_unexplained"
    status = 422
    message = "请填写说明"


class DifferenceResolved(CaijiError):
    """Somebody was faster."""

    code = "difference_resolved"
    status = 409
    message = "这条差异已经处理过"


@dataclass(frozen=True)
class DaySummary:
    """The last comparison of one day, and how many of its differences are open."""

    run: Reconciliation
    open_count: int


@dataclass(frozen=True)
class DayView:
    """One day: its comparisons, newest first, and its differences, the open ones first."""

    day: dt.date
    runs: list[Reconciliation]
    differences: list[ReconciliationDifference]
    staff_names: dict[uuid.UUID, str]


def reconcile_on_request(ctx: Context, viewer: Viewer, day: dt.date) -> Reconciliation:
    """Compare a day now because finance asked for it.

    Raises:
        DayNotOver, BillNotReady.
    """
    if day >= to_local(ctx.now()).date():
        raise DayNotOver
    with ctx.db.write() as session:
        record_audit(session, viewer, "payment.reconcile", at=ctx.now(), day=day.isoformat())
    with time_budget(STAFF_WAITS_S):
        return reconcile(ctx, day)


def list_days(ctx: Context, viewer: Viewer) -> list[DaySummary]:
    """Return the newest compared days."""
    newest = (
        select(Reconciliation.bill_date, func.max(Reconciliation.started_at).label("at"))
        .group_by(Reconciliation.bill_date)
        .order_by(Reconciliation.bill_date.desc())
        .limit(DAYS_SHOWN)
        .subquery()
    )
    with ctx.db.read() as session:
        runs = session.scalars(
            select(Reconciliation)
            .join(
                newest,
                (newest.c.bill_date == Reconciliation.bill_date)
                & (newest.c.at == Reconciliation.started_at),
            )
            .order_by(Reconciliation.bill_date.desc(), Reconciliation.id.desc())
        ).all()
        counts = _count_open_by_day(session, viewer)
    latest = {run.bill_date: run for run in reversed(runs)}
    days = sorted(latest, reverse=True)
    return [DaySummary(latest[day], counts.get(day, 0)) for day in days]


def _count_open_by_day(session: Session, viewer: Viewer) -> dict[dt.date, int]:
    """Return how many differences of each day wait for an explanation."""
    rows = session.execute(
        select(ReconciliationDifference.bill_date, func.count())
        .where(is_mine(viewer), ReconciliationDifference.resolved_at.is_(None))
        .group_by(ReconciliationDifference.bill_date)
    )
    return {day: count for day, count in rows}  # noqa: C416 - rows are no pairs to mypy


def view_day(ctx: Context, viewer: Viewer, day: dt.date) -> DayView:
    """Return one day; empty when it was never compared."""
    difference = ReconciliationDifference
    with ctx.db.read() as session:
        runs = session.scalars(
            select(Reconciliation)
            .where(Reconciliation.bill_date == day)
            .order_by(Reconciliation.started_at.desc())
            .limit(20)
        ).all()
        differences = session.scalars(
            select(difference)
            .where(is_mine(viewer), difference.bill_date == day)
            .order_by(difference.resolved_at.is_not(None), difference.id)
        ).all()
        resolvers = {each.resolved_by for each in differences if each.resolved_by}
        names = session.scalars(select(Staff).where(Staff.id.in_(resolvers)))
        return DayView(
            day, list(runs), list(differences), {row.id: row.shown_name for row in names}
        )


def resolve_difference(
    ctx: Context, viewer: Viewer, difference_id: uuid.UUID, note: str
) -> ReconciliationDifference:
    """Close a difference with an explanation.

    Raises:
        NotFound, DifferenceUnexplained, DifferenceResolved.
    """
    note = " ".join(note.split())[:NOTE_LENGTH]
    if not note:
        raise DifferenceUnexplained
    with ctx.db.write() as session:
        found = session.scalar(
            select(ReconciliationDifference).where(
                ReconciliationDifference.id == difference_id, is_mine(viewer)
            )
        )
        if found is None:
            raise NotFound
        changed = session.execute(
            update(ReconciliationDifference)
            .where(ReconciliationDifference.id == difference_id)
            .where(ReconciliationDifference.resolved_at.is_(None))
            .values(resolved_at=ctx.now(), resolved_by=viewer.staff_id, resolution_note=note)
            .execution_options(synchronize_session=False)
        )
        if not changed.rowcount:  # type: ignore[attr-defined]
            raise DifferenceResolved
        record_audit(
            session,
            viewer,
            "payment.difference_resolve",
            at=ctx.now(),
            subject_kind="reconciliation_difference",
            subject_id=difference_id,
            kind=found.kind,
            out_trade_no=found.out_trade_no,
        )
        return found


def is_mine(viewer: Viewer) -> ColumnElement[bool]:
    """Return the condition of what the viewer answers for; nobody's money is everybody's."""
    column = ReconciliationDifference.institution_id
    return (column == viewer.institution_id) | column.is_(None)
