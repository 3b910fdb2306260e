"""The status machine of one enrolment: the only place where 采集情况 changes.

Every change is one row in the append-only history, written in the caller's transaction. A
transition that the table does not name is refused, in whatever order callbacks and clicks arrive.
"""

from __future__ import annotations

import datetime as dt
import enum
import uuid
from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.orm import Session

from models import (
    CollectionStatus,
    Enrolment,
    FeatureCode,
    Photo,
    PhotoState,
    StatusChange,
    Verdict,
)
from server.errors import CaijiError

S = CollectionStatus


class Event(enum.StrEnum):
    """What can happen to the collection of one enrolment."""

    IMPORTED = "imported"
    SUBMITTED = "submitted"
    """A photo passed and the fee is settled, in either order."""
    RESUBMITTED = "resubmitted"
    REPLACED = "replaced"
    WITHDRAWN = "withdrawn"
    REFUNDED = "refunded"
    APPROVED = "approved"
    REJECTED = "rejected"
    APPROVAL_UNDONE = "approval_undone"
    REJECTION_UNDONE = "rejection_undone"
    CORRECTED = "corrected"
    """勘误: an administrator unlocked a collected photo."""


TRANSITIONS: dict[Event, dict[CollectionStatus | None, tuple[CollectionStatus, ...]]] = {
    Event.IMPORTED: {None: (S.NOT_UPLOADED,)},
    Event.SUBMITTED: {S.NOT_UPLOADED: (S.UPLOADED,)},
    Event.RESUBMITTED: {S.REUPLOAD_REQUIRED: (S.REUPLOADED,)},
    Event.REPLACED: {S.UPLOADED: (S.UPLOADED,), S.REUPLOADED: (S.REUPLOADED,)},
    Event.WITHDRAWN: {S.UPLOADED: (S.NOT_UPLOADED,), S.REUPLOADED: (S.REUPLOAD_REQUIRED,)},
    Event.REFUNDED: {
        S.UPLOADED: (S.NOT_UPLOADED,),
        S.REUPLOADED: (S.NOT_UPLOADED,),
        S.REUPLOAD_REQUIRED: (S.NOT_UPLOADED,),
    },
    Event.APPROVED: {S.UPLOADED: (S.COLLECTED,), S.REUPLOADED: (S.COLLECTED,)},
    Event.REJECTED: {S.UPLOADED: (S.REUPLOAD_REQUIRED,), S.REUPLOADED: (S.REUPLOAD_REQUIRED,)},
    Event.APPROVAL_UNDONE: {S.COLLECTED: (S.UPLOADED, S.REUPLOADED)},
    Event.REJECTION_UNDONE: {S.REUPLOAD_REQUIRED: (S.UPLOADED, S.REUPLOADED)},
    Event.CORRECTED: {S.COLLECTED: (S.REUPLOAD_REQUIRED,)},
}
"""event -> status before -> statuses it may lead to. What is not here is refused."""


class TransitionRefused(CaijiError):
    """The status does not allow this event now."""

    code = "status_conflict"
    status = 409
    message = "当前采集情况不允许此操作"


@dataclass(frozen=True)
class Actor:
    """Who causes a change: ``student``, ``staff`` or ``system``."""

    kind: str
    id: uuid.UUID | None = None


SYSTEM = Actor("system")


def resolve_transition(
    event: Event, before: CollectionStatus | None, wanted: CollectionStatus | None = None
) -> CollectionStatus:
    """Return the status that ``event`` leads to from ``before``.

    ``wanted`` chooses where the table names several. Raises TransitionRefused.
    """
    allowed = TRANSITIONS[event].get(before, ())
    if wanted is None and len(allowed) == 1:
        return allowed[0]
    if wanted is not None and wanted in allowed:
        return wanted
    raise TransitionRefused


def lock_enrolment(session: Session, enrolment_id: uuid.UUID) -> Enrolment | None:
    """Return the enrolment with its row locked until the transaction ends."""
    return session.scalars(
        select(Enrolment)
        .where(Enrolment.id == enrolment_id)
        .with_for_update(of=Enrolment)
        .execution_options(populate_existing=True)
    ).one_or_none()


def change_status(
    session: Session,
    enrolment: Enrolment,
    event: Event,
    *,
    actor: Actor,
    at: dt.datetime,
    wanted: CollectionStatus | None = None,
    reason: str = "",
) -> None:
    """Move ``enrolment`` (locked by the caller) along the table and write its history row."""
    before = None if event is Event.IMPORTED else enrolment.collection_status
    after = resolve_transition(event, before, wanted)
    enrolment.collection_status = after
    enrolment.updated_at = at
    if event in {Event.SUBMITTED, Event.RESUBMITTED, Event.REPLACED}:
        enrolment.uploaded_at = at
    session.add(
        StatusChange(
            enrolment_id=enrolment.id,
            at=at,
            from_status=before,
            to_status=after,
            event=event,
            actor_kind=actor.kind,
            actor_id=actor.id,
            reason=reason,
        )
    )


def has_passing_photo(enrolment: Enrolment) -> bool:
    """Tell whether the photo that counts has passed imagecheck and still stands."""
    photo = enrolment.photo
    return (
        photo is not None
        and photo.state is PhotoState.CHECKED
        and photo.verdict in {Verdict.PASS, Verdict.WARN}
    )


def advance(session: Session, enrolment: Enrolment, *, actor: Actor, at: dt.datetime) -> bool:
    """Move a locked enrolment to uploaded or reuploaded when photo and money are both there.

    Called after a verdict and after a settlement; whichever comes second moves it. Returns
    whether it moved.
    """
    if not has_passing_photo(enrolment) or enrolment.fee_settled_at is None:
        return False
    event = {
        S.NOT_UPLOADED: Event.SUBMITTED,
        S.REUPLOAD_REQUIRED: Event.RESUBMITTED,
    }.get(enrolment.collection_status)
    if event is None:
        return False
    change_status(session, enrolment, event, actor=actor, at=at)
    return True


def resolve_next_step(enrolment: Enrolment, code: FeatureCode | None, latest: Photo | None) -> str:
    """Return what the client should do next: the ``next_step`` of the API."""
    status = enrolment.collection_status
    is_checking = latest is not None and latest.state is PhotoState.RECEIVED
    is_settled = enrolment.fee_settled_at is not None
    if status is S.COLLECTED:
        step = "done"
    elif is_checking:
        step = "wait_check"
    elif status in {S.UPLOADED, S.REUPLOADED}:
        step = "wait_review"
    elif not is_settled and (has_passing_photo(enrolment) or (code is not None and code.pay_first)):
        step = "pay"
    elif status is S.REUPLOAD_REQUIRED or _has_failed(latest):
        step = "recapture"
    else:
        step = "capture"
    return step


def _has_failed(latest: Photo | None) -> bool:
    return latest is not None and latest.verdict is Verdict.FAIL
