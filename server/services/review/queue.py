"""Which photo is next: those near the cut-off first, then those with warnings, then the oldest.

A reviewer holds a photo for ten minutes (a lease), so two never judge the same one.
"""

from __future__ import annotations

import datetime as dt
import uuid
from dataclasses import dataclass

from sqlalchemy import ColumnElement, Select, case, func, or_, select
from sqlalchemy.orm import Session

from models import Batch, CollectionStatus, Enrolment, Photo, PhotoState, Verdict
from server.context import Context
from server.errors import CaijiError, NotFound
from server.services.audit import record_audit
from server.services.collection import lock_enrolment
from server.services.staff_viewer import Viewer, list_scope, may_see

LEASE = dt.timedelta(minutes=10)
NEAR_CUTOFF = dt.timedelta(days=7)
WAITING = (CollectionStatus.UPLOADED, CollectionStatus.REUPLOADED)
QUEUE_SHOWN = 60
SHEET_SIZE = 24
ATTEMPTS = 5
"""Candidates tried when others take them at the same moment."""


class PhotoNotWaiting(CaijiError):
    """The photo was replaced, withdrawn or decided on in the meantime."""

    code = "photo_not_waiting"
    status = 409
    message = "这张照片已不在待审核之列:学生已更换或撤回,或已有审核结果"


class PhotoHeldByOther(CaijiError):
    """Another reviewer holds the photo."""

    code = "photo_held"
    status = 409
    message = "另一位审核员正在审核这张照片,请审核下一张"


@dataclass(frozen=True)
class WaitingPhoto:
    """One line of the queue."""

    photo_id: uuid.UUID
    student_no: str
    name: str
    verdict: Verdict | None
    finding_count: int
    uploaded_at: dt.datetime | None
    is_again: bool
    is_near_cutoff: bool
    is_held: bool


@dataclass(frozen=True)
class QueueState:
    """The head of the queue and how long it is."""

    photos: list[WaitingPhoto]
    waiting: int
    held_by_others: int
    warned: int
    oldest_at: dt.datetime | None


def is_waiting(enrolment: Enrolment, photo: Photo) -> bool:
    """Tell whether this photo is the one that waits for a decision."""
    return (
        photo.state is PhotoState.CHECKED
        and enrolment.photo_id == photo.id
        and enrolment.collection_status in WAITING
    )


def show_queue(ctx: Context, viewer: Viewer) -> QueueState:
    """Return the first photos of the queue with its figures. Takes nothing."""
    now = ctx.now()
    with ctx.db.read() as session:
        near = _is_near_cutoff(session, viewer, now)
        held = _held_by_other(viewer, now)
        rows = session.execute(
            _waiting_query(viewer, near)
            .add_columns(Enrolment, Photo, near, held)
            .limit(QUEUE_SHOWN)
        ).all()
        waiting, held_count, warned, oldest = session.execute(
            select(
                func.count(),
                func.coalesce(func.sum(case((held, 1), else_=0)), 0),
                func.coalesce(func.sum(case((Photo.verdict == Verdict.WARN, 1), else_=0)), 0),
                func.min(Enrolment.uploaded_at),
            )
            .select_from(Enrolment)
            .join(Photo, Photo.id == Enrolment.photo_id)
            .where(*_waiting_conditions(viewer))
        ).one()
    photos = [
        _describe(enrolment, photo, is_near=is_near, is_held=is_held)
        for _, enrolment, photo, is_near, is_held in rows
    ]
    return QueueState(photos, waiting, held_count, warned, oldest)


def take_next(ctx: Context, viewer: Viewer, *, but: uuid.UUID | None = None) -> uuid.UUID | None:
    """Open the next photo for this reviewer and return it, or None when nothing waits."""
    for _ in range(ATTEMPTS):
        photo_id = peek_next(ctx, viewer, but=but)
        if photo_id is None:
            return None
        try:
            hold_photo(ctx, viewer, photo_id, opens=True)
        except (PhotoHeldByOther, PhotoNotWaiting):
            continue
        return photo_id
    return None


def peek_next(ctx: Context, viewer: Viewer, *, but: uuid.UUID | None = None) -> uuid.UUID | None:
    """Return the photo that :func:`take_next` would open; what the reviewer holds comes first."""
    now = ctx.now()
    with ctx.db.read() as session:
        query = _waiting_query(viewer, _is_near_cutoff(session, viewer, now))
        query = query.where(~_held_by_other(viewer, now))
        if but is not None:
            query = query.where(Photo.id != but)
        return session.scalars(query.limit(1)).first()


def hold_photo(ctx: Context, viewer: Viewer, photo_id: uuid.UUID, *, opens: bool) -> None:
    """Take or renew the lease; with ``opens`` the student can no longer replace the photo.

    Raises:
        NotFound, PhotoNotWaiting, PhotoHeldByOther.
    """
    now = ctx.now()
    with ctx.db.write() as session:
        _, photo = lock_waiting(session, viewer, photo_id, now)
        photo.leased_by = viewer.staff_id
        photo.leased_until = now + LEASE
        if opens and photo.opened_at is None:
            photo.opened_at = now
            record_audit(
                session, viewer, "photo.open", at=now, subject_kind="photo", subject_id=photo_id
            )


def lock_waiting(
    session: Session, viewer: Viewer, photo_id: uuid.UUID, now: dt.datetime
) -> tuple[Enrolment, Photo]:
    """Lock the enrolment of a photo that waits and is free for this reviewer.

    Raises:
        NotFound, PhotoNotWaiting, PhotoHeldByOther.
    """
    enrolment, photo = lock_photo(session, viewer, photo_id)
    if not is_waiting(enrolment, photo):
        raise PhotoNotWaiting
    is_leased = photo.leased_until is not None and photo.leased_until > now
    if is_leased and photo.leased_by != viewer.staff_id:
        raise PhotoHeldByOther
    return enrolment, photo


def lock_photo(session: Session, viewer: Viewer, photo_id: uuid.UUID) -> tuple[Enrolment, Photo]:
    """Return a photo within the viewer's scope with its enrolment locked; raises NotFound."""
    owner_id = session.scalar(select(Photo.enrolment_id).where(Photo.id == photo_id))
    enrolment = lock_enrolment(session, owner_id) if owner_id else None
    if enrolment is None or not may_see(viewer, enrolment):
        raise NotFound
    return enrolment, session.get_one(Photo, photo_id, populate_existing=True)


def hold_sheet(ctx: Context, viewer: Viewer) -> list[tuple[Photo, Enrolment]]:
    """Hold up to SHEET_SIZE clean passes for one look and return them."""
    now = ctx.now()
    with ctx.db.read() as session:
        ids = session.scalars(
            _waiting_query(viewer, _is_near_cutoff(session, viewer, now))
            .where(~_held_by_other(viewer, now), Photo.verdict == Verdict.PASS)
            .limit(SHEET_SIZE)
        ).all()
    held = _hold_all(ctx, viewer, list(ids), now)
    with ctx.db.read() as session:
        rows = session.execute(
            select(Photo, Enrolment)
            .join(Enrolment, Enrolment.photo_id == Photo.id)
            .where(Photo.id.in_(held))
            .order_by(Enrolment.student_no)
        )
        return [(photo, enrolment) for photo, enrolment in rows]


def _hold_all(
    ctx: Context, viewer: Viewer, photo_ids: list[uuid.UUID], now: dt.datetime
) -> list[uuid.UUID]:
    """Hold those that are still free, in one transaction; in one order, so that two never wait."""
    held = []
    with ctx.db.write() as session:
        for photo_id in sorted(photo_ids):
            try:
                _, photo = lock_waiting(session, viewer, photo_id, now)
            except (PhotoHeldByOther, PhotoNotWaiting):
                continue
            photo.leased_by = viewer.staff_id
            photo.leased_until = now + LEASE
            held.append(photo_id)
    return held


def _waiting_conditions(viewer: Viewer) -> list[ColumnElement[bool]]:
    return [
        *list_scope(viewer),
        Enrolment.collection_status.in_(WAITING),
        Photo.state == PhotoState.CHECKED,
    ]


def _waiting_query(viewer: Viewer, near: ColumnElement[bool]) -> Select[uuid.UUID]:
    own_first = case((Photo.leased_by == viewer.staff_id, 0), else_=1)
    near_first = case((near, 0), else_=1)
    warned_first = case((Photo.verdict == Verdict.WARN, 0), else_=1)
    return (
        select(Photo.id)
        .select_from(Enrolment)
        .join(Photo, Photo.id == Enrolment.photo_id)
        .where(*_waiting_conditions(viewer))
        .order_by(own_first, near_first, warned_first, Enrolment.uploaded_at, Photo.id)
    )


def _is_near_cutoff(session: Session, viewer: Viewer, now: dt.datetime) -> ColumnElement[bool]:
    """Return the condition that a photo belongs to a batch that ends soon or has ended."""
    last_near = session.scalar(
        select(func.max(Batch.cutoff_at)).where(
            Batch.institution_id == viewer.institution_id,
            Batch.closed_at.is_(None),
            Batch.cutoff_at <= now + NEAR_CUTOFF,
        )
    )
    in_grace = Enrolment.uploaded_at <= Enrolment.grace_until
    if last_near is None:
        return func.coalesce(in_grace, False)
    return func.coalesce(or_(Enrolment.uploaded_at <= last_near, in_grace), False)


def _held_by_other(viewer: Viewer, now: dt.datetime) -> ColumnElement[bool]:
    held = (Photo.leased_until > now) & (Photo.leased_by != viewer.staff_id)
    return func.coalesce(held, False)


def _describe(enrolment: Enrolment, photo: Photo, *, is_near: bool, is_held: bool) -> WaitingPhoto:
    return WaitingPhoto(
        photo_id=photo.id,
        student_no=enrolment.student_no,
        name=enrolment.name,
        verdict=photo.verdict,
        finding_count=len((photo.report or {}).get("findings", [])),
        uploaded_at=enrolment.uploaded_at,
        is_again=enrolment.collection_status is CollectionStatus.REUPLOADED,
        is_near_cutoff=is_near,
        is_held=is_held,
    )
