"""Batches: the next ones exist by themselves, and a photo finds its own by the cut-off rule."""

from __future__ import annotations

import datetime as dt
import uuid

from sqlalchemy import select
from sqlalchemy.orm import Session

from models import Batch, Enrolment, Institution
from server.context import Context
from server.gateways.clock import LOCAL_ZONE, to_local

UPCOMING_COUNT = 3
"""How many future cut-offs always have their batch."""
CARD_MONTH_BY_CUTOFF_MONTH = {5: 6, 11: 12}
"""学籍卡 photos become visible in early June and early December (DESIGN §3)."""


def list_cutoffs(institution: Institution, after: dt.datetime, count: int) -> list[dt.datetime]:
    """Return the next ``count`` cut-off moments not before ``after``, in UTC."""
    moments: list[dt.datetime] = []
    year = to_local(after).year
    while len(moments) < count:
        for rule in sorted((institution.spring_cutoff, institution.autumn_cutoff)):
            moment = dt.datetime.strptime(f"{year}-{rule}", "%Y-%m-%d %H:%M:%S").replace(
                tzinfo=LOCAL_ZONE
            )
            if moment >= after:
                moments.append(moment.astimezone(dt.UTC))
        year += 1
    return moments[:count]


def ensure_batches(session: Session, institution: Institution, now: dt.datetime) -> None:
    """Create the batches of the next cut-offs that do not exist yet (writes, caller commits)."""
    existing_dates = session.scalars(
        select(Batch.date).where(Batch.institution_id == institution.id)
    ).all()
    for cutoff in list_cutoffs(institution, now, UPCOMING_COUNT):
        local_date = to_local(cutoff).date()
        # A batch whose cut-off staff moved by some days still stands for its season.
        if any(abs((local_date - date).days) < 60 for date in existing_dates):  # noqa: PLR2004
            continue
        session.add(
            Batch(
                institution_id=institution.id,
                date=local_date,
                cutoff_at=cutoff,
                grace_days=institution.grace_days,
                card_visible_from=default_card_date(local_date),
                created_at=now,
            )
        )
    session.flush()


def default_card_date(cutoff_date: dt.date) -> dt.date:
    """Return the first day of June or December after the cut-off (or of the next month)."""
    month = CARD_MONTH_BY_CUTOFF_MONTH.get(cutoff_date.month, cutoff_date.month % 12 + 1)
    year = cutoff_date.year + (1 if month < cutoff_date.month else 0)
    return dt.date(year, month, 1)


def ensure_all_batches(ctx: Context) -> None:
    """Do ensure_batches for every institution. Owns its transaction."""
    with ctx.db.write() as session:
        for institution in session.scalars(select(Institution)).all():
            ensure_batches(session, institution, ctx.now())


def find_batch_for(
    session: Session, institution_id: uuid.UUID, uploaded_at: dt.datetime
) -> Batch | None:
    """Return the first open batch whose cut-off is not before ``uploaded_at``."""
    return session.scalars(
        select(Batch)
        .where(
            Batch.institution_id == institution_id,
            Batch.cutoff_at >= uploaded_at,
            Batch.closed_at.is_(None),
        )
        .order_by(Batch.cutoff_at)
        .limit(1)
    ).first()


def find_target_batch(session: Session, enrolment: Enrolment, now: dt.datetime) -> Batch | None:
    """Return the batch that the enrolment's photo belongs to, or would if it came now.

    A student who was rejected near the cut-off keeps the batch until the grace period ends.
    """
    if enrolment.batch_id is not None:
        return session.get(Batch, enrolment.batch_id)
    moment = enrolment.uploaded_at if _counts_from_upload(enrolment) else now
    if (
        enrolment.grace_batch_id is not None
        and enrolment.grace_until is not None
        and moment is not None
        and moment <= enrolment.grace_until
    ):
        kept = session.get(Batch, enrolment.grace_batch_id)
        if kept is not None and kept.closed_at is None:
            return kept
    return find_batch_for(session, enrolment.institution_id, moment or now)


def _counts_from_upload(enrolment: Enrolment) -> bool:
    return enrolment.collection_status.value in {"uploaded", "reuploaded", "collected"}
