"""勘误: an administrator unlocks a collected photo, with a reason that stays in the history."""

from __future__ import annotations

import datetime as dt
import uuid

from models import CollectionStatus, Decision, PhotoState, Review
from server.context import Context
from server.errors import CaijiError, NotFound
from server.services.audit import record_audit
from server.services.collection import Actor, Event, change_status, lock_enrolment
from server.services.college.batches import find_target_batch
from server.services.messages.tell_student import tell_rejected
from server.services.sealing import seal
from server.services.viewer import Viewer, may_see

MIN_REASON_LENGTH = 4


class ReasonMissing(CaijiError):
    """A correction needs a reason that a reader understands later."""

    code = "reason_missing"
    status = 422
    message = "请写明勘误原因（至少 4 个字）"


class NotCollected(CaijiError):
    """Only a collected photo can be corrected."""

    code = "not_collected"
    status = 409
    message = "该学生的照片未锁定，无需勘误"


def correct_enrolment(
    ctx: Context, viewer: Viewer, enrolment_id: uuid.UUID, reason: str, *, note: str = ""
) -> None:
    """Unlock a collected enrolment: the student sends a new photo and pays nothing more.

    ``reason`` is for the record; ``note`` is what the student reads. The student keeps the batch
    while it is open, for its days of grace. Owns its transaction.

    Raises:
        NotFound, ReasonMissing, NotCollected.
    """
    reason = reason.strip()[:500]
    if len(reason) < MIN_REASON_LENGTH:
        raise ReasonMissing
    now = ctx.now()
    with ctx.db.write() as session:
        enrolment = lock_enrolment(session, enrolment_id)
        if enrolment is None or not may_see(viewer, enrolment):
            raise NotFound
        photo = enrolment.photo
        if enrolment.collection_status is not CollectionStatus.COLLECTED or photo is None:
            raise NotCollected
        batch = find_target_batch(session, enrolment, now)
        actor = Actor("staff", viewer.staff_id)
        # The history is never changed: what somebody typed about the student stays in the review.
        change_status(session, enrolment, Event.CORRECTED, actor=actor, at=now)
        if batch is not None:
            enrolment.grace_batch_id = batch.id
            enrolment.grace_until = now + dt.timedelta(days=batch.grace_days)
        enrolment.batch_id = None
        enrolment.collected_at = None
        enrolment.photo_id = None
        photo.state = PhotoState.REJECTED
        photo.decided_at = now
        review = Review(
            photo_id=photo.id,
            enrolment_id=enrolment.id,
            staff_id=viewer.staff_id,
            decision=Decision.CORRECT,
            reason_codes=[],
            note=note.strip()[:500],
            record=reason,
            at=now,
        )
        session.add(review)
        session.flush()
        tell_rejected(session, enrolment, review, at=now)
        record_audit(
            session,
            viewer,
            "enrolment.correct",
            at=now,
            subject_kind="enrolment",
            subject_id=enrolment.id,
            reason=seal(session, ctx.cipher, enrolment.id, reason, at=now),
        )
