"""A reviewer's decision: approve, reject, and take it back within a minute."""

from __future__ import annotations

import datetime as dt
import re
import uuid

from sqlalchemy import select
from sqlalchemy.orm import Session

from models import (
    REGISTERED,
    Batch,
    CollectionStatus,
    Decision,
    Enrolment,
    Photo,
    PhotoState,
    Review,
    StatusChange,
)
from server.context import Context
from server.errors import CaijiError, NotFound
from server.services.audit import record_audit
from server.services.collection import Actor, Event, change_status
from server.services.college.batches import ensure_batches, find_target_batch
from server.services.college.own_reasons import read_own_reasons
from server.services.messages.reasons import is_reason
from server.services.messages.tell_student import (
    hold_until,
    take_back,
    tell_collected,
    tell_rejected,
)
from server.services.profiles.plan import request_cuts
from server.services.review.queue import (
    LEASE,
    lock_photo,
    require_free,
)
from server.services.viewer import Viewer

UNDO_WINDOW = dt.timedelta(seconds=60)
NOTE_LENGTH = 500
HAS_WORDS = re.compile(r"[^\W\d_]")
"""A note of digits alone is a reason's key that was pressed in the wrong field."""
UNDO_EVENTS = {
    Decision.APPROVE: Event.APPROVAL_UNDONE,
    Decision.REJECT: Event.REJECTION_UNDONE,
}


class RejectionUnexplained(CaijiError):
    """A rejection names at least one reason or says one in words."""

    code = "rejection_unexplained"
    status = 422
    message = "请至少选择一个退回原因，或用文字填写说明"


class UndoTooLate(CaijiError):
    """The minute is over, or the student has acted on the decision."""

    code = "undo_too_late"
    status = 409
    message = "已超过一分钟或学生已重新上传，不能撤销；如需更改请联系管理员勘误"


class StudentLeft(CaijiError):
    """学籍状态 is not 在籍 any more: nobody approves that unnoticed."""

    code = "student_left"
    status = 409
    message = "学生已不在籍，请先确认是否仍要通过"


def approve_photo(
    ctx: Context, viewer: Viewer, photo_id: uuid.UUID, *, although_left: bool = False
) -> uuid.UUID:
    """Approve a waiting photo: it is locked into its batch. Returns the review.

    Doing it twice is once: the second answer is the first review. ``although_left``: the reviewer
    has read that the student is not 在籍 any more. Owns its transaction.

    Raises:
        NotFound, PhotoNotWaiting, PhotoHeldByOther, StudentLeft.
    """
    now = ctx.now()
    with ctx.db.write() as session:
        enrolment, photo = lock_photo(session, viewer, photo_id)
        # Behind the lock: the same decision sent twice at once finds the first one.
        done = _find_same(session, viewer, photo_id, Decision.APPROVE)
        if done is not None:
            return done
        require_free(viewer, enrolment, photo, now)
        if enrolment.register_status != REGISTERED and not although_left:
            raise StudentLeft(f"学生当前为{enrolment.register_status}，请先确认是否仍要通过")
        actor = Actor("staff", viewer.staff_id)
        batch = lock_into_batch(session, enrolment, photo, actor, now)
        review = _add_review(session, viewer, photo, Decision.APPROVE, now)
        tell_collected(session, enrolment, review, batch)
        hold_until(session, review, now + UNDO_WINDOW)
        return review.id


def lock_into_batch(
    session: Session, enrolment: Enrolment, photo: Photo, actor: Actor, now: dt.datetime
) -> Batch:
    """Let a waiting photo of a locked enrolment be collected; returns its batch.

    Raises:
        NoOpenBatch.
    """
    batch = _require_batch(session, enrolment, now)
    change_status(session, enrolment, Event.APPROVED, actor=actor, at=now)
    enrolment.batch_id = batch.id
    enrolment.collected_at = now
    _close(photo, PhotoState.APPROVED, now)
    request_cuts(session, enrolment.institution_id, [photo.id], now)
    return batch


def reject_photo(
    ctx: Context, viewer: Viewer, photo_id: uuid.UUID, *, reason_codes: list[str], note: str
) -> uuid.UUID:
    """Send a waiting photo back with reasons; the student keeps the batch for a while.

    Doing it twice is once. Owns its transaction. Returns the review.

    Raises:
        RejectionUnexplained, NotFound, PhotoNotWaiting, PhotoHeldByOther.
    """
    note = note.strip()[:NOTE_LENGTH]
    now = ctx.now()
    with ctx.db.write() as session:
        enrolment, photo = lock_photo(session, viewer, photo_id)
        done = _find_same(session, viewer, photo_id, Decision.REJECT)
        if done is not None:
            return done
        require_free(viewer, enrolment, photo, now)
        own = read_own_reasons(session, viewer.institution_id)
        codes = [code for code in dict.fromkeys(reason_codes) if is_reason(code, own)]
        if not codes and not HAS_WORDS.search(note):
            raise RejectionUnexplained
        batch = find_target_batch(session, enrolment, now)
        # Codes alone: the history is never changed, and a note may tell of a person.
        reason = ",".join(codes)[:NOTE_LENGTH]
        actor = Actor("staff", viewer.staff_id)
        change_status(session, enrolment, Event.REJECTED, actor=actor, at=now, reason=reason)
        if batch is not None:
            enrolment.grace_batch_id = batch.id
            enrolment.grace_until = now + dt.timedelta(days=batch.grace_days)
        enrolment.photo_id = None
        _close(photo, PhotoState.REJECTED, now)
        review = _add_review(session, viewer, photo, Decision.REJECT, now, codes, note)
        tell_rejected(session, enrolment, review, at=now)
        hold_until(session, review, now + UNDO_WINDOW)
        return review.id


def undo_review(ctx: Context, viewer: Viewer, review_id: uuid.UUID) -> uuid.UUID:
    """Take one's own decision back within a minute and hold the photo again; returns the photo.

    The days of grace that a rejection gave stay: they name the batch that the photo had anyway.

    Raises:
        NotFound, UndoTooLate.
    """
    now = ctx.now()
    with ctx.db.write() as session:
        review = session.get(Review, review_id)
        if review is None or review.staff_id != viewer.staff_id or review.is_automatic:
            raise NotFound
        enrolment, photo = lock_photo(session, viewer, review.photo_id)
        session.refresh(review)
        if review.undone_at is not None:
            return photo.id
        event = UNDO_EVENTS.get(review.decision)
        if (
            event is None
            or now - review.at > UNDO_WINDOW
            or not _stands(session, enrolment, review)
        ):
            raise UndoTooLate
        before = _status_before(session, review)
        actor = Actor("staff", viewer.staff_id)
        change_status(session, enrolment, event, actor=actor, at=now, wanted=before)
        enrolment.batch_id = None
        enrolment.collected_at = None
        enrolment.photo_id = photo.id
        photo.state = PhotoState.CHECKED
        photo.decided_at = None
        photo.leased_by = viewer.staff_id
        photo.leased_until = now + LEASE
        review.undone_at = now
        take_back(session, review)
        _audit(session, viewer, "review.undo", photo, now)
        return photo.id


def find_undoable(ctx: Context, viewer: Viewer, review_id: uuid.UUID) -> Review | None:
    """Return the viewer's own decision while it can still be taken back."""
    with ctx.db.read() as session:
        review = session.get(Review, review_id)
    if review is None or review.staff_id != viewer.staff_id or review.undone_at is not None:
        return None
    return review if ctx.now() - review.at <= UNDO_WINDOW else None


def _require_batch(session: Session, enrolment: Enrolment, now: dt.datetime) -> Batch:
    batch = find_target_batch(session, enrolment, now, is_locked=True)
    if batch is None:
        ensure_batches(session, enrolment.institution, now)
        batch = find_target_batch(session, enrolment, now, is_locked=True)
    if batch is None:
        raise NoOpenBatch
    return batch


class NoOpenBatch(CaijiError):
    """Every batch that the photo could belong to is closed."""

    code = "no_open_batch"
    status = 409
    message = "没有可用的照片扫描批次，请联系管理员设置批次"


def _find_same(
    session: Session, viewer: Viewer, photo_id: uuid.UUID, decision: Decision
) -> uuid.UUID | None:
    """Return the standing decision when this reviewer sends the same one again."""
    return session.scalar(
        select(Review.id).where(
            Review.photo_id == photo_id,
            Review.staff_id == viewer.staff_id,
            Review.decision == decision,
            Review.undone_at.is_(None),
        )
    )


def _stands(session: Session, enrolment: Enrolment, review: Review) -> bool:
    """Tell whether nothing has happened to the enrolment since the decision."""
    if review.decision is Decision.APPROVE:
        return (
            enrolment.collection_status is CollectionStatus.COLLECTED
            and enrolment.photo_id == review.photo_id
        )
    newer = session.scalar(
        select(Photo.id).where(
            Photo.enrolment_id == enrolment.id,
            Photo.id != review.photo_id,
            Photo.submitted_at >= review.at,
        )
    )
    is_waiting_for_student = enrolment.collection_status is CollectionStatus.REUPLOAD_REQUIRED
    return is_waiting_for_student and enrolment.photo_id is None and newer is None


def _status_before(session: Session, review: Review) -> CollectionStatus | None:
    return session.scalars(
        select(StatusChange.from_status)
        .where(
            StatusChange.enrolment_id == review.enrolment_id,
            StatusChange.event.in_((Event.APPROVED.value, Event.REJECTED.value)),
        )
        .order_by(StatusChange.at.desc(), StatusChange.id.desc())
        .limit(1)
    ).first()


def _close(photo: Photo, state: PhotoState, now: dt.datetime) -> None:
    photo.state = state
    photo.decided_at = now
    photo.opened_at = photo.opened_at or now
    photo.leased_by = None
    photo.leased_until = None


def _add_review(
    session: Session,
    viewer: Viewer,
    photo: Photo,
    decision: Decision,
    now: dt.datetime,
    reason_codes: list[str] | None = None,
    note: str = "",
) -> Review:
    review = Review(
        photo_id=photo.id,
        enrolment_id=photo.enrolment_id,
        staff_id=viewer.staff_id,
        decision=decision,
        reason_codes=reason_codes or [],
        note=note,
        at=now,
    )
    session.add(review)
    session.flush()
    _audit(session, viewer, f"photo.{decision.value}", photo, now)
    return review


def _audit(session: Session, viewer: Viewer, action: str, photo: Photo, now: dt.datetime) -> None:
    record_audit(session, viewer, action, at=now, subject_kind="photo", subject_id=photo.id)
