"""Which photo is next: those near the cut-off first, then those with warnings, then the oldest.

A reviewer holds a photo for ten minutes (a lease), so two never judge the same one.
"""

from __future__ import annotations

import datetime as dt
import uuid
from dataclasses import dataclass
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Select,
    and_,
    case,
    false,
    func,
    literal,
    or_,
    select,
    true,
    tuple_,
)
from sqlalchemy.orm import Session

from models import Batch, BatchWindow, CollectionStatus, Enrolment, Photo, PhotoState, Verdict
from server.context import Context
from server.errors import CaijiError, NotFound
from server.services.audit import record_audit
from server.services.collection import WAITING, lock_enrolment
from server.services.profiles.plan import request_cuts
from server.services.viewer import Viewer, list_scope, may_see

LEASE = dt.timedelta(minutes=10)
NEAR_CUTOFF = dt.timedelta(days=7)
QUEUE_SHOWN = 60
ATTEMPTS = 5
"""Candidates tried when others take them at the same moment."""


class PhotoNotWaiting(CaijiError):
    """The photo was replaced, withdrawn or decided on in the meantime."""

    code = "photo_not_waiting"
    status = 409
    message = "这张照片已不在待审核之列：学生已更换或撤回，或已有审核结果"


class PhotoHeldByOther(CaijiError):
    """Another reviewer holds the photo."""

    code = "photo_held"
    status = 409
    message = "另一位审核员正在审核这张照片，请审核下一张"


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
    is_doubted: bool
    register_status: str


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
            waiting_query(session, viewer, now)
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


def take_next(ctx: Context, viewer: Viewer, *, after: uuid.UUID | None = None) -> uuid.UUID | None:
    """Open the next photo for this reviewer and return it, or None when no other waits.

    ``after`` names the one that the reviewer leaves: the queue goes on behind it, and begins
    anew at its end.
    """
    for _ in range(ATTEMPTS):
        photo_id = peek_next(ctx, viewer, after=after)
        if photo_id is None:
            return None
        try:
            hold_photo(ctx, viewer, photo_id, opens=True)
        except (PhotoHeldByOther, PhotoNotWaiting):
            continue
        return photo_id
    return None


def peek_next(ctx: Context, viewer: Viewer, *, after: uuid.UUID | None = None) -> uuid.UUID | None:
    """Return the photo that :func:`take_next` would open.

    At the beginning what the reviewer holds comes first.
    """
    now = ctx.now()
    with ctx.db.read() as session:
        query = waiting_query(session, viewer, now).where(~_held_by_other(viewer, now))
        if after is None:
            own_first = case((Photo.leased_by == viewer.staff_id, 0), else_=1)
            ordered = query.order_by(None).order_by(own_first, *_order(session, viewer, now))
            return session.scalars(ordered.limit(1)).first()
        query = query.where(Photo.id != after)
        behind = _is_behind(session, viewer, now, after)
        found = (
            session.scalars(query.where(behind).limit(1)).first() if behind is not None else None
        )
        return found or session.scalars(query.limit(1)).first()


def _is_behind(
    session: Session, viewer: Viewer, now: dt.datetime, photo_id: uuid.UUID
) -> ColumnElement[bool] | None:
    """Return the condition to stand behind this photo in the queue; None: it is not known."""
    keys = _order(session, viewer, now)
    here = session.execute(
        select(*keys)
        .select_from(Photo)
        .join(Enrolment, Enrolment.id == Photo.enrolment_id)
        .where(Photo.id == photo_id)
    ).one_or_none()
    if here is None or None in tuple(here):
        return None
    values = [literal(value, key.type) for key, value in zip(keys, here, strict=True)]
    return tuple_(*keys) > tuple_(*values)


def hold_photo(ctx: Context, viewer: Viewer, photo_id: uuid.UUID, *, opens: bool) -> None:
    """Take or renew the lease; with ``opens`` the student can no longer replace the photo.

    Raises:
        NotFound, PhotoNotWaiting, PhotoHeldByOther.
    """
    now = ctx.now()
    with ctx.db.write() as session:
        _, photo = _lock_waiting(session, viewer, photo_id, now)
        photo.leased_by = viewer.staff_id
        photo.leased_until = now + LEASE
        # asked for now, so that the reviewer sees what cannot be made before deciding
        request_cuts(session, viewer.institution_id, [photo_id], now)
        if opens and photo.opened_at is None:
            photo.opened_at = now
            record_audit(
                session, viewer, "photo.open", at=now, subject_kind="photo", subject_id=photo_id
            )


def _lock_waiting(
    session: Session, viewer: Viewer, photo_id: uuid.UUID, now: dt.datetime
) -> tuple[Enrolment, Photo]:
    """Lock the enrolment of a photo that waits and is free for this reviewer.

    Raises:
        NotFound, PhotoNotWaiting, PhotoHeldByOther.
    """
    enrolment, photo = lock_photo(session, viewer, photo_id)
    require_free(viewer, enrolment, photo, now)
    return enrolment, photo


def require_free(viewer: Viewer, enrolment: Enrolment, photo: Photo, now: dt.datetime) -> None:
    """Refuse a locked photo that does not wait, or that somebody else holds.

    Raises:
        PhotoNotWaiting, PhotoHeldByOther.
    """
    if not is_waiting(enrolment, photo):
        raise PhotoNotWaiting
    is_leased = photo.leased_until is not None and photo.leased_until > now
    if is_leased and photo.leased_by != viewer.staff_id:
        raise PhotoHeldByOther


def lock_photo(session: Session, viewer: Viewer, photo_id: uuid.UUID) -> tuple[Enrolment, Photo]:
    """Return a photo within the viewer's scope with its enrolment locked; raises NotFound."""
    owner_id = session.scalar(select(Photo.enrolment_id).where(Photo.id == photo_id))
    enrolment = lock_enrolment(session, owner_id) if owner_id else None
    if enrolment is None or not may_see(viewer, enrolment):
        raise NotFound
    return enrolment, session.get_one(Photo, photo_id, populate_existing=True)


def _waiting_conditions(viewer: Viewer) -> list[ColumnElement[bool]]:
    return [
        *list_scope(viewer),
        Enrolment.collection_status.in_(WAITING),
        Photo.state == PhotoState.CHECKED,
    ]


def waiting_query(session: Session, viewer: Viewer, now: dt.datetime) -> Select[uuid.UUID]:
    """Return the query of all waiting photos in the order of the queue."""
    return (
        select(Photo.id)
        .select_from(Enrolment)
        .join(Photo, Photo.id == Enrolment.photo_id)
        .where(*_waiting_conditions(viewer))
        .order_by(*_order(session, viewer, now))
    )


def _order(session: Session, viewer: Viewer, now: dt.datetime) -> list[Any]:
    near_first = case((_is_near_cutoff(session, viewer, now), 0), else_=1)
    needs_look = (Photo.verdict == Verdict.WARN) | Photo.doubted_at.is_not(None)
    warned_first = case((needs_look, 0), else_=1)
    return [near_first, warned_first, Enrolment.uploaded_at, Photo.id]


def _is_near_cutoff(session: Session, viewer: Viewer, now: dt.datetime) -> ColumnElement[bool]:
    """Return the condition that a photo belongs to a batch that ends soon or has ended.

    Days of grace count only where the batch that they keep is such a one: a rejection in spring
    does not make an autumn photo urgent.
    """
    near = session.execute(
        select(Batch.id, Batch.cutoff_at).where(
            Batch.institution_id == viewer.institution_id,
            Batch.closed_at.is_(None),
            Batch.cutoff_at <= now + NEAR_CUTOFF,
        )
    ).all()
    urgent = _match_windows(session, viewer, now)
    if near:
        in_grace = (Enrolment.uploaded_at <= Enrolment.grace_until) & Enrolment.grace_batch_id.in_(
            [row.id for row in near]
        )
        urgent += [Enrolment.uploaded_at <= max(row.cutoff_at for row in near), in_grace]
    return func.coalesce(or_(*urgent), false()) if urgent else false()


def _match_windows(session: Session, viewer: Viewer, now: dt.datetime) -> list[ColumnElement[bool]]:
    """Return the conditions of students whose own last moment in an open batch is near."""
    windows = session.scalars(
        select(BatchWindow)
        .join(Batch, Batch.id == BatchWindow.batch_id)
        .where(
            Batch.institution_id == viewer.institution_id,
            Batch.closed_at.is_(None),
            BatchWindow.last_at <= now + NEAR_CUTOFF,
        )
    )
    return [
        and_(
            Enrolment.uploaded_at <= window.last_at,
            true() if window.centre_id is None else Enrolment.centre_id == window.centre_id,
            Enrolment.expected_term == window.expected_term if window.expected_term else true(),
        )
        for window in windows
    ]


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
        is_doubted=photo.doubted_at is not None,
        register_status=enrolment.register_status,
    )
