"""A contact sheet is taken back as a whole: a constant number of statements, like its approval."""

from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import insert, select, update
from sqlalchemy.orm import Session

from models import AuditEntry, CollectionStatus, Enrolment, Photo, PhotoState, Review, StatusChange
from server.context import Context
from server.services.audit import describe_audit
from server.services.collection import Actor, Event, change_many
from server.services.messages.tell_student import take_back
from server.services.review.decide import UNDO_WINDOW
from server.services.review.queue import LEASE
from server.services.viewer import Viewer, list_scope


@dataclass(frozen=True)
class UndoneSheet:
    """How many approvals were taken back, and how many could not be any more."""

    undone: int
    kept: int


def undo_sheet(ctx: Context, viewer: Viewer, sheet_id: uuid.UUID) -> UndoneSheet:
    """Take back one's own approvals of a sheet within a minute, each where nothing came after.

    Owns its transaction. The photos are held by the reviewer again.
    """
    now = ctx.now()
    with ctx.db.write() as session:
        reviews = _list_standing(session, viewer, sheet_id)
        recent = [review for review in reviews if now - review.at <= UNDO_WINDOW]
        rows = _lock_collected(session, viewer, [review.enrolment_id for review in recent])
        # Read again behind the locks: another click may have taken some back meanwhile.
        still = {review.id for review in _list_standing(session, viewer, sheet_id)}
        pairs = [
            (review, rows[review.enrolment_id])
            for review in recent
            if review.id in still
            and review.enrolment_id in rows
            and rows[review.enrolment_id].photo_id == review.photo_id
        ]
        if pairs:
            _undo(session, viewer, pairs, now)
    return UndoneSheet(len(pairs), len(reviews) - len(pairs))


def find_undoable_sheet(ctx: Context, viewer: Viewer, sheet_id: uuid.UUID) -> int:
    """Return how many approvals of this sheet the viewer may still take back."""
    with ctx.db.read() as session:
        return len(
            session.scalars(
                select(Review.id).where(
                    Review.sheet_id == sheet_id,
                    Review.staff_id == viewer.staff_id,
                    Review.undone_at.is_(None),
                    Review.at >= ctx.now() - UNDO_WINDOW,
                )
            ).all()
        )


def _list_standing(session: Session, viewer: Viewer, sheet_id: uuid.UUID) -> Sequence[Review]:
    return session.scalars(
        select(Review)
        .where(
            Review.sheet_id == sheet_id,
            Review.staff_id == viewer.staff_id,
            Review.undone_at.is_(None),
        )
        .execution_options(populate_existing=True)
    ).all()


def _lock_collected(
    session: Session, viewer: Viewer, ids: Sequence[uuid.UUID]
) -> dict[uuid.UUID, Enrolment]:
    """Lock these students in one order; return those whose photo is still locked."""
    rows = session.scalars(
        select(Enrolment)
        .where(
            *list_scope(viewer),
            Enrolment.id.in_(ids),
            Enrolment.collection_status == CollectionStatus.COLLECTED,
        )
        .order_by(Enrolment.id)
        .with_for_update(of=Enrolment)
        .execution_options(populate_existing=True)
    )
    return {row.id: row for row in rows}


def _undo(
    session: Session,
    viewer: Viewer,
    pairs: Sequence[tuple[Review, Enrolment]],
    now: dt.datetime,
) -> None:
    ids = [row.id for _, row in pairs]
    photo_ids = [review.photo_id for review, _ in pairs]
    actor = Actor("staff", viewer.staff_id)
    change_many(
        session,
        [row for _, row in pairs],
        Event.APPROVAL_UNDONE,
        actor=actor,
        at=now,
        wanted=_read_statuses_before(session, ids),
    )
    quietly = {"synchronize_session": False}
    session.execute(
        update(Enrolment).where(Enrolment.id.in_(ids)).values(batch_id=None, collected_at=None),
        execution_options=quietly,
    )
    session.execute(
        update(Photo)
        .where(Photo.id.in_(photo_ids))
        .values(
            state=PhotoState.CHECKED,
            decided_at=None,
            leased_by=viewer.staff_id,
            leased_until=now + LEASE,
        ),
        execution_options=quietly,
    )
    session.execute(
        update(Review).where(Review.id.in_([one.id for one, _ in pairs])).values(undone_at=now),
        execution_options=quietly,
    )
    take_back(session, *(review for review, _ in pairs))
    session.execute(
        insert(AuditEntry),
        [
            describe_audit(viewer, "review.undo", at=now, subject_kind="photo", subject_id=one)
            for one in photo_ids
        ],
    )


def _read_statuses_before(
    session: Session, ids: Sequence[uuid.UUID]
) -> dict[uuid.UUID, CollectionStatus | None]:
    """Return from which status each was approved last."""
    rows = session.execute(
        select(StatusChange.enrolment_id, StatusChange.from_status)
        .where(StatusChange.enrolment_id.in_(ids), StatusChange.event == Event.APPROVED.value)
        .order_by(StatusChange.at, StatusChange.id)
    )
    return {row.enrolment_id: row.from_status for row in rows}
