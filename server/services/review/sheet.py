"""The contact sheet: clean passes side by side, approved together, what is doubted apart.

Looking holds nothing. The first tick or untick holds the sheet for its reviewer, leaving it lets
go. Every step is a constant number of statements, whatever the sheet holds.
"""

from __future__ import annotations

import datetime as dt
import uuid
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import ColumnElement, CursorResult, Update, insert, select, update
from sqlalchemy.orm import Session

from models import (
    REGISTERED,
    AuditEntry,
    Batch,
    Decision,
    DrawnPhoto,
    Enrolment,
    Institution,
    Photo,
    PhotoState,
    Review,
    Verdict,
    new_id,
)
from server.context import Context
from server.services.audit import describe_audit
from server.services.collection import WAITING, Actor, Event, change_many
from server.services.college.batches import choose_target_batch, ensure_batches, list_open_batches
from server.services.messages.tell_student import tell_collected_many
from server.services.profiles.plan import request_cuts
from server.services.review.decide import UNDO_WINDOW, NoOpenBatch
from server.services.review.queue import LEASE, waiting_query
from server.services.viewer import Viewer, list_scope

SHEET_SIZE = 24


@dataclass(frozen=True)
class SheetOutcome:
    """What became of a contact sheet.

    ``skipped`` were replaced, withdrawn, or taken by somebody else meanwhile.
    """

    sheet_id: uuid.UUID
    approved: int
    doubted: int
    skipped: int


def show_sheet(ctx: Context, viewer: Viewer) -> list[tuple[Photo, Enrolment]]:
    """Return up to SHEET_SIZE clean passes that nobody else holds. Takes nothing."""
    now = ctx.now()
    with ctx.db.read() as session:
        query = (
            waiting_query(session, viewer, now)
            .with_only_columns(Photo, Enrolment)
            .where(
                is_free(viewer, now),
                Photo.verdict == Verdict.PASS,
                Photo.doubted_at.is_(None),
                Enrolment.register_status == REGISTERED,
                # What was drawn to check the machine by is judged alone and with care.
                Photo.id.not_in(select(DrawnPhoto.photo_id).where(DrawnPhoto.is_for_people)),
            )
            .limit(SHEET_SIZE)
        )
        return [(photo, enrolment) for photo, enrolment in session.execute(query)]


def mark_sheet(
    ctx: Context,
    viewer: Viewer,
    *,
    shown: Sequence[uuid.UUID],
    doubted: Sequence[uuid.UUID],
) -> None:
    """Hold what a sheet shows and note what is unticked on it: no reload ticks it again."""
    now = ctx.now()
    with ctx.db.write() as session:
        mine = _lock_shown(session, viewer, shown[:SHEET_SIZE], now)
        ids = [photo.id for photo, _ in mine]
        _change_photos(session, ids, leased_by=viewer.staff_id, leased_until=now + LEASE)
        _note_doubts(session, ids, set(doubted), now)


def leave_photos(ctx: Context, viewer: Viewer, photo_ids: Sequence[uuid.UUID]) -> None:
    """Let go of what this reviewer holds; others may take it at once."""
    with ctx.db.write() as session:
        session.execute(
            update(Photo)
            .where(Photo.id.in_(photo_ids[: 2 * SHEET_SIZE]), Photo.leased_by == viewer.staff_id)
            .values(leased_by=None, leased_until=None)
            .execution_options(synchronize_session=False)
        )


def approve_sheet(
    ctx: Context, viewer: Viewer, *, shown: Sequence[uuid.UUID], ticked: Sequence[uuid.UUID]
) -> SheetOutcome:
    """Approve what is ticked, note the rest of what was shown as doubted. Owns its transaction.

    Nothing ticked approves nothing. Doing it twice is once.

    Raises:
        NoOpenBatch.
    """
    now, sheet_id = ctx.now(), new_id()
    wanted = list(dict.fromkeys(ticked))[:SHEET_SIZE]
    unticked = [one for one in dict.fromkeys(shown) if one not in set(wanted)][:SHEET_SIZE]
    with ctx.db.write() as session:
        rows = _lock_shown(session, viewer, [*wanted, *unticked], now)
        approved = [(photo, row) for photo, row in rows if photo.id in set(wanted)]
        doubted = [photo.id for photo, _ in rows if photo.id in set(unticked)]
        if approved:
            _approve(session, viewer, approved, sheet_id, now)
        if doubted:
            _change_photos(session, doubted, doubted_at=now, leased_by=None, leased_until=None)
        before = _count_approved_before(session, viewer, wanted, sheet_id)
    count = len(approved) + before
    return SheetOutcome(sheet_id, count, len(doubted), len(wanted) - count)


def is_free(viewer: Viewer, now: dt.datetime) -> ColumnElement[bool]:
    """Return the condition that nobody else holds a photo now."""
    return (
        Photo.leased_until.is_(None)
        | (Photo.leased_until <= now)
        | (Photo.leased_by == viewer.staff_id)
    )


def _lock_shown(
    session: Session, viewer: Viewer, photo_ids: Sequence[uuid.UUID], now: dt.datetime
) -> list[tuple[Photo, Enrolment]]:
    """Lock the students of these photos in one order; return what waits and is free."""
    rows = session.scalars(
        select(Enrolment)
        .where(
            *list_scope(viewer),
            Enrolment.photo_id.in_(photo_ids),
            Enrolment.collection_status.in_(WAITING),
            Enrolment.register_status == REGISTERED,
        )
        .order_by(Enrolment.id)
        .with_for_update(of=Enrolment)
        .execution_options(populate_existing=True)
    ).all()
    # Read again behind the lock: what another transaction has just decided is seen.
    photos = session.scalars(
        select(Photo)
        .where(
            Photo.id.in_([row.photo_id for row in rows]),
            Photo.state == PhotoState.CHECKED,
            is_free(viewer, now),
        )
        .execution_options(populate_existing=True)
    )
    by_id = {photo.id: photo for photo in photos}
    return [(by_id[row.photo_id], row) for row in rows if row.photo_id in by_id]


def _approve(
    session: Session,
    viewer: Viewer,
    rows: Sequence[tuple[Photo, Enrolment]],
    sheet_id: uuid.UUID,
    now: dt.datetime,
) -> None:
    batches = _choose_batches(session, viewer, [row for _, row in rows], now)
    change_many(
        session,
        [row for _, row in rows],
        Event.APPROVED,
        actor=Actor("staff", viewer.staff_id),
        at=now,
    )
    by_batch: dict[uuid.UUID, list[uuid.UUID]] = defaultdict(list)
    for _, row in rows:
        by_batch[batches[row.id].id].append(row.id)
    for batch_id, ids in by_batch.items():
        _run(
            session,
            update(Enrolment)
            .where(Enrolment.id.in_(ids))
            .values(batch_id=batch_id, collected_at=now),
        )
    _change_photos(
        session,
        [photo.id for photo, _ in rows],
        state=PhotoState.APPROVED,
        decided_at=now,
        opened_at=now,
        leased_by=None,
        leased_until=None,
    )
    request_cuts(session, viewer.institution_id, [photo.id for photo, _ in rows], now)
    reviews = {photo.id: new_id() for photo, _ in rows}
    session.execute(
        insert(Review),
        [
            {
                "id": reviews[photo.id],
                "photo_id": photo.id,
                "enrolment_id": row.id,
                "staff_id": viewer.staff_id,
                "decision": Decision.APPROVE,
                "reason_codes": [],
                "sheet_id": sheet_id,
                "at": now,
            }
            for photo, row in rows
        ],
    )
    session.execute(
        insert(AuditEntry),
        [
            describe_audit(
                viewer,
                f"photo.{Decision.APPROVE.value}",
                at=now,
                subject_kind="photo",
                subject_id=photo.id,
            )
            for photo, _ in rows
        ],
    )
    told = [(row, reviews[photo.id], batches[row.id]) for photo, row in rows]
    tell_collected_many(session, told, at=now, send_at=now + UNDO_WINDOW)


def _choose_batches(
    session: Session, viewer: Viewer, rows: Sequence[Enrolment], now: dt.datetime
) -> dict[uuid.UUID, Batch]:
    """Return the batch of each student; the next ones are made where none is open."""
    batches = list_open_batches(session, viewer.institution_id)
    found = {row.id: choose_target_batch(row, batches) for row in rows}
    if None in found.values():
        ensure_batches(session, session.get_one(Institution, viewer.institution_id), now)
        batches = list_open_batches(session, viewer.institution_id)
        found = {row.id: choose_target_batch(row, batches) for row in rows}
    chosen = {row_id: batch for row_id, batch in found.items() if batch is not None}
    if len(chosen) < len(rows):
        raise NoOpenBatch
    return chosen


def _note_doubts(
    session: Session, ids: Sequence[uuid.UUID], doubted: set[uuid.UUID], now: dt.datetime
) -> None:
    _change_photos(session, [one for one in ids if one in doubted], doubted_at=now)
    _change_photos(session, [one for one in ids if one not in doubted], doubted_at=None)


def _change_photos(session: Session, ids: Sequence[uuid.UUID], **values: object) -> None:
    _run(session, update(Photo).where(Photo.id.in_(ids)).values(**values))


def _run(session: Session, statement: Update) -> int:
    done = session.execute(statement.execution_options(synchronize_session=False))
    return done.rowcount if isinstance(done, CursorResult) else 0


def _count_approved_before(
    session: Session, viewer: Viewer, photo_ids: Sequence[uuid.UUID], sheet_id: uuid.UUID
) -> int:
    """Return how many of these this reviewer approved with an earlier press of the button."""
    return len(
        session.scalars(
            select(Review.id).where(
                Review.photo_id.in_(photo_ids),
                Review.staff_id == viewer.staff_id,
                Review.decision == Decision.APPROVE,
                Review.undone_at.is_(None),
                Review.sheet_id.is_distinct_from(sheet_id),
            )
        ).all()
    )
