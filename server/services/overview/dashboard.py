"""The figures of the dashboard. Everything is aggregated in the database."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import ColumnElement, Date, cast, func, select
from sqlalchemy.orm import InstrumentedAttribute, Session

from models import (
    Batch,
    Decision,
    Enrolment,
    Order,
    OrderState,
    QuarantinedPayment,
    Review,
    Role,
)
from server.context import Context
from server.gateways.clock import LOCAL_OFFSET, LOCAL_ZONE, to_local
from server.services.collection import WAITING
from server.services.college.windows import describe_windows
from server.services.messages.reasons import describe_reason
from server.services.overview.behind_figures import BY_NOTE, DAYS_SHOWN
from server.services.overview.progress import Progress, read_progress
from server.services.overview.stopping_rules import StoppingRule, count_stopping_rules
from server.services.viewer import Viewer, list_scope

MONEY_ROLES = {Role.ADMIN, Role.FINANCE}


@dataclass(frozen=True)
class DayCount:
    """Photos that were uploaded and collected on one local day."""

    date: dt.date
    uploaded: int
    collected: int


@dataclass(frozen=True)
class NextCutoff:
    """A batch that is still to come. ``days_left`` counts whole days."""

    label: str
    cutoff_at: dt.datetime
    days_left: int
    earlier: list[NextCutoff] = field(default_factory=list)
    """Students with an own last moment, named by the label."""


@dataclass(frozen=True)
class Money:
    """Fees of the last days by state (orders, fen), and payments that finance must resolve."""

    by_state: dict[OrderState, tuple[int, int]]
    quarantined: int


@dataclass(frozen=True)
class Dashboard:
    """Everything that the first page shows to a role."""

    progress: Progress
    days: list[DayCount]
    cutoffs: list[NextCutoff]
    rejections: list[tuple[str, int, str]]
    stopping: list[StoppingRule]
    waiting: int
    oldest_wait_s: float | None
    money: Money | None


def read_dashboard(ctx: Context, viewer: Viewer) -> Dashboard:
    """Return the dashboard of the viewer's students."""
    now = ctx.now()
    progress = read_progress(ctx, viewer)
    with ctx.db.read() as session:
        oldest = session.scalar(
            select(func.min(Enrolment.uploaded_at)).where(
                *list_scope(viewer), Enrolment.collection_status.in_(WAITING)
            )
        )
        return Dashboard(
            progress=progress,
            days=_count_days(session, viewer, now),
            cutoffs=_list_cutoffs(session, viewer, now),
            rejections=_count_rejections(session, viewer, now),
            stopping=count_stopping_rules(session, viewer, now - dt.timedelta(days=DAYS_SHOWN)),
            waiting=progress.all.waiting,
            oldest_wait_s=(now - oldest).total_seconds() if oldest else None,
            money=_read_money(session, viewer, now) if viewer.role in MONEY_ROLES else None,
        )


def _count_days(session: Session, viewer: Viewer, now: dt.datetime) -> list[DayCount]:
    today = to_local(now).date()
    first = today - dt.timedelta(days=DAYS_SHOWN - 1)
    since = to_local(now).replace(hour=0, minute=0, second=0, microsecond=0)
    since -= dt.timedelta(days=DAYS_SHOWN - 1)
    uploaded = _count_by_day(session, viewer, Enrolment.uploaded_at, since)
    collected = _count_by_day(session, viewer, Enrolment.collected_at, since)
    dates = [first + dt.timedelta(days=offset) for offset in range(DAYS_SHOWN)]
    return [DayCount(date, uploaded[date], collected[date]) for date in dates]


def _count_by_day(
    session: Session,
    viewer: Viewer,
    column: InstrumentedAttribute[dt.datetime | None],
    since: dt.datetime,
) -> Counter[dt.date]:
    day = _local_day(session, column)
    rows = session.execute(
        select(day, func.count()).where(*list_scope(viewer), column >= since).group_by(day)
    )
    return Counter({dt.date.fromisoformat(str(date)): count for date, count in rows})


def _local_day(session: Session, column: InstrumentedAttribute[Any]) -> ColumnElement[Any]:
    if session.get_bind().dialect.name == "sqlite":
        return func.date(column, f"+{LOCAL_OFFSET.total_seconds()} seconds")
    return cast(func.timezone(LOCAL_ZONE.key, column), Date)


def _list_cutoffs(session: Session, viewer: Viewer, now: dt.datetime) -> list[NextCutoff]:
    batches = session.scalars(
        select(Batch)
        .where(
            Batch.institution_id == viewer.institution_id,
            Batch.cutoff_at >= now,
            Batch.closed_at.is_(None),
        )
        .order_by(Batch.cutoff_at)
        .limit(2)
    )
    return [
        NextCutoff(
            batch.label,
            batch.cutoff_at,
            (batch.cutoff_at - now).days,
            [
                NextCutoff(who, last_at, (last_at - now).days)
                for who, last_at in describe_windows(session, batch, viewer.centre_ids, now)
            ],
        )
        for batch in batches
    ]


def _count_rejections(
    session: Session, viewer: Viewer, now: dt.datetime
) -> list[tuple[str, int, str]]:
    """Return (reason, how often, its code) of the last days, the most frequent first."""
    rows = session.execute(
        select(Review.reason_codes, Review.note)
        .join(Enrolment, Enrolment.id == Review.enrolment_id)
        .where(
            *list_scope(viewer),
            Review.at >= now - dt.timedelta(days=DAYS_SHOWN),
            Review.decision == Decision.REJECT,
            Review.undone_at.is_(None),
        )
    )
    counts: Counter[str] = Counter()
    for codes, note in rows:
        counts.update(codes)
        if note and not codes:
            counts[BY_NOTE] += 1
    return [
        ("其他（说明）" if code == BY_NOTE else describe_reason(code), count, code)
        for code, count in counts.most_common(10)
    ]


def _read_money(session: Session, viewer: Viewer, now: dt.datetime) -> Money:
    since = now - dt.timedelta(days=DAYS_SHOWN)
    rows = session.execute(
        select(Order.state, func.count(), func.coalesce(func.sum(Order.amount_fen), 0))
        .where(Order.institution_id == viewer.institution_id, Order.paid_at >= since)
        .group_by(Order.state)
    )
    quarantined = session.scalar(
        select(func.count())
        .select_from(QuarantinedPayment)
        .where(
            QuarantinedPayment.resolved_at.is_(None),
            (QuarantinedPayment.institution_id == viewer.institution_id)
            | QuarantinedPayment.institution_id.is_(None),
        )
    )
    return Money({state: (count, int(fen)) for state, count, fen in rows}, quarantined or 0)
