from __future__ import annotations

import datetime as dt

import pytest
from sqlalchemy import select

from models import Batch, CollectionStatus, Enrolment, Institution
from server.context import Context
from server.gateways.clock import LOCAL_ZONE
from server.services.college.batches import (
    default_card_date,
    ensure_all_batches,
    find_batch_for,
    find_target_batch,
)


def local(text: str) -> dt.datetime:
    return dt.datetime.fromisoformat(text).replace(tzinfo=LOCAL_ZONE)


def test_next_batches_exist_without_anybody_creating_them(demo: Context) -> None:
    with demo.db.read() as session:
        dates = session.scalars(select(Batch.date).order_by(Batch.date)).all()
    assert [str(date) for date in dates] == ["2026-11-10", "2027-05-10", "2027-11-10"]
    demo.clock.advance(days=365)  # type: ignore[attr-defined]
    ensure_all_batches(demo)
    ensure_all_batches(demo)
    with demo.db.read() as session:
        dates = session.scalars(select(Batch.date).order_by(Batch.date)).all()
    assert [str(date) for date in dates][-2:] == ["2028-05-10", "2028-11-10"]
    assert len(set(dates)) == len(dates)


@pytest.mark.parametrize(
    ("uploaded", "batch"),
    [
        ("2026-10-01 12:00:00", "2026-11-10"),
        ("2026-11-10 23:59:59", "2026-11-10"),
        ("2026-11-11 00:00:00", "2027-05-10"),
        ("2027-05-11 00:00:00", "2027-11-10"),
    ],
)
def test_photo_belongs_to_the_first_cutoff_not_before_it(
    demo: Context, uploaded: str, batch: str
) -> None:
    with demo.db.read() as session:
        institution = session.scalars(select(Institution)).one()
        found = find_batch_for(session, institution.id, local(uploaded))
    assert found is not None
    assert found.label == batch


@pytest.mark.parametrize(
    ("again", "batch"),
    [("2026-11-12 20:00:00", "2026-11-10"), ("2026-11-12 20:00:01", "2027-05-10")],
)
def test_student_rejected_near_the_cutoff_keeps_the_batch_for_the_grace_period(
    demo: Context, again: str, batch: str
) -> None:
    with demo.db.write() as session:
        enrolment = session.scalars(select(Enrolment).limit(1)).one()
        autumn = session.scalars(select(Batch).order_by(Batch.date).limit(1)).one()
        enrolment.grace_batch_id = autumn.id
        enrolment.grace_until = local("2026-11-12 20:00:00")
        enrolment.collection_status = CollectionStatus.REUPLOADED
        enrolment.uploaded_at = local(again)
        target = find_target_batch(session, enrolment, local("2026-12-01 00:00:00"))
    assert target is not None
    assert target.label == batch


def test_closed_batch_takes_nobody(demo: Context) -> None:
    with demo.db.write() as session:
        autumn = session.scalars(select(Batch).order_by(Batch.date).limit(1)).one()
        autumn.closed_at = demo.now()
        found = find_batch_for(session, autumn.institution_id, demo.now())
    assert found is not None
    assert found.label == "2027-05-10"


def test_card_dates_are_early_june_and_early_december() -> None:
    assert default_card_date(dt.date(2026, 5, 10)) == dt.date(2026, 6, 1)
    assert default_card_date(dt.date(2026, 11, 10)) == dt.date(2026, 12, 1)
    assert default_card_date(dt.date(2026, 12, 30)) == dt.date(2027, 1, 1)
