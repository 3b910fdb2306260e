"""The status machine of one enrolment: the only place where 采集情况 changes.

Every change is one row in the append-only history, written in the caller's transaction. A
transition that the table does not name is refused, in whatever order callbacks and clicks arrive.
"""

from __future__ import annotations

import datetime as dt
import enum
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import ColumnElement, Select, bindparam, insert, select, update
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
from server.context import Context
from server.errors import CaijiError
from server.services.chsi_due import is_code_due, needs_new_photo
from server.services.moment import find_moment

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
    PERSON_REPLACED = "person_replaced"
    """The roster named another person, row by row confirmed: the former photo stops counting."""


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
    Event.PERSON_REPLACED: {
        before: (S.NOT_UPLOADED,) for before in S if before is not S.NOT_UPLOADED
    },
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


# Built once: building a statement costs more than running it.
HOLD_ONE = select(Enrolment.id).where(Enrolment.id == bindparam("wanted_id")).with_for_update()


def hold_enrolment(session: Session, enrolment_id: uuid.UUID) -> None:
    """Lock the row of an enrolment that is read afterwards, with more."""
    if session.get_bind().dialect.name == "postgresql":
        session.execute(HOLD_ONE, {"wanted_id": enrolment_id})


def lock_enrolments(session: Session, which: ColumnElement[bool]) -> None:
    """Lock all enrolments of a condition, in the one order in which everybody locks several.

    Before a statement that changes many at once: such a statement locks them as it finds them.
    """
    if session.get_bind().dialect.name == "postgresql":
        query = select(Enrolment.id).where(which).order_by(Enrolment.id)
        session.execute(query.with_for_update())


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
    if event in {Event.SUBMITTED, Event.RESUBMITTED, Event.REPLACED} and enrolment.photo:
        enrolment.uploaded_at = find_moment(session, enrolment, enrolment.photo)
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


def change_many(
    session: Session,
    enrolments: Sequence[Enrolment],
    event: Event,
    *,
    actor: Actor,
    at: dt.datetime,
    wanted: Mapping[uuid.UUID, CollectionStatus | None] | None = None,
) -> None:
    """Move many locked enrolments along the table, with a constant number of statements.

    ``wanted`` chooses by enrolment where the table names several. Only events that leave
    ``uploaded_at`` alone. The loaded rows keep what was read.
    """
    after: dict[CollectionStatus, list[Enrolment]] = {}
    for one in enrolments:
        chosen = wanted.get(one.id) if wanted else None
        after.setdefault(resolve_transition(event, one.collection_status, chosen), []).append(one)
    for status, rows in after.items():
        session.execute(
            update(Enrolment)
            .where(Enrolment.id.in_([row.id for row in rows]))
            .values(collection_status=status, updated_at=at)
            .execution_options(synchronize_session=False)
        )
        session.execute(
            insert(StatusChange),
            [
                {
                    "enrolment_id": row.id,
                    "at": at,
                    "from_status": row.collection_status,
                    "to_status": status,
                    "event": event.value,
                    "actor_kind": actor.kind,
                    "actor_id": actor.id,
                    "reason": "",
                }
                for row in rows
            ],
        )


def has_passing_photo(enrolment: Enrolment) -> bool:
    """Tell whether the photo that counts has passed imagecheck and still stands."""
    photo = enrolment.photo
    return photo is not None and has_passed(photo.state, photo.verdict)


def has_passed(state: PhotoState | None, verdict: Verdict | None) -> bool:
    """Tell the same of a photo of which only these two are known; None where there is none."""
    return state is PhotoState.CHECKED and verdict is not None and verdict.is_passing


def advance(session: Session, enrolment: Enrolment, *, actor: Actor, at: dt.datetime) -> bool:
    """Move a locked enrolment to uploaded or reuploaded when all that it needs is there.

    Photo, money and, where the feature code requires it, the 图像采集码: called after each of
    them, and whichever comes last moves it. Returns whether it moved.
    """
    if not has_passing_photo(enrolment):
        return False
    if enrolment.fee_settled_at is None:
        if not is_free(session, enrolment):
            return False
        enrolment.fee_settled_at = at
    if is_code_due(session, enrolment):
        return False
    event = {
        S.NOT_UPLOADED: Event.SUBMITTED,
        S.REUPLOAD_REQUIRED: Event.RESUBMITTED,
    }.get(enrolment.collection_status)
    if event is None:
        return False
    change_status(session, enrolment, event, actor=actor, at=at)
    return True


SWEEP_SIZE = 200
ADVANCEABLE = (S.NOT_UPLOADED, S.REUPLOAD_REQUIRED)
"""The statuses that :func:`advance` leads on from."""


def advance_waiting(ctx: Context, waiting: Select[uuid.UUID]) -> int:
    """Move on the enrolments of a query of ids, a sweep's worth at most; returns how many moved.

    For sweepers: what was asked of a student is asked no more, and nobody calls :func:`advance`.
    Each has a transaction of its own, so one that somebody holds delays no other.
    """
    with ctx.db.read() as session:
        ids = session.scalars(
            waiting.where(Enrolment.collection_status.in_(ADVANCEABLE)).limit(SWEEP_SIZE)
        ).all()
    moved = 0
    for enrolment_id in ids:
        with ctx.db.write() as session:
            enrolment = lock_enrolment(session, enrolment_id)
            if enrolment is not None:
                moved += advance(session, enrolment, actor=SYSTEM, at=ctx.now())
    return moved


def is_free(session: Session, enrolment: Enrolment) -> bool:
    """Tell whether the code through which the student came asks for no fee."""
    if enrolment.feature_code_id is None:
        return False
    return session.get_one(FeatureCode, enrolment.feature_code_id).fee_fen == 0


@dataclass(frozen=True)
class Needs:
    """What 学信网 asks of an enrolment beyond the photo.

    Attributes:
        code: the 图像采集码 is required, and there is neither it nor a waiver.
        new_photo: the photo was taken more than a year before 预计毕业.
    """

    code: bool = False
    new_photo: bool = False


NOTHING = Needs()


def find_needs(session: Session, enrolment: Enrolment, now: dt.datetime) -> Needs:
    """Return what 学信网 still asks of an enrolment."""
    return Needs(is_code_due(session, enrolment), needs_new_photo(session, enrolment, now))


def resolve_next_step(
    enrolment: Enrolment,
    code: FeatureCode | None,
    latest: Photo | None,
    *,
    is_money_held: bool = False,
    needs: Needs = NOTHING,
) -> str:
    """Return what the client should do next: the ``next_step`` of the API.

    ``is_money_held``: money for this enrolment waits for finance; nothing asks for more then.
    """
    status = enrolment.collection_status
    is_checking = latest is not None and latest.state is PhotoState.RECEIVED
    is_due = enrolment.fee_settled_at is None and (code is None or code.fee_fen > 0)
    is_paid_first = code is not None and code.pay_first
    if status is S.COLLECTED:
        step = "done"
    elif is_checking:
        step = "wait_check"
    elif needs.new_photo and not _is_opened(enrolment):
        step = "recapture"
    elif is_due and (has_passing_photo(enrolment) or is_paid_first):
        step = "wait_money" if is_money_held else "pay"
    elif status not in WAITING and has_passing_photo(enrolment) and needs.code:
        step = "chsi_code"
    elif status in {S.UPLOADED, S.REUPLOADED} or has_passing_photo(enrolment):
        # passed and free: what moves it on is on its way
        step = "wait_review"
    elif status is S.REUPLOAD_REQUIRED or _has_failed(latest):
        step = "recapture"
    else:
        step = "capture"
    return step


def _is_opened(enrolment: Enrolment) -> bool:
    """Tell whether a reviewer has the photo in hand: the student cannot replace it then."""
    return enrolment.photo is not None and enrolment.photo.opened_at is not None


def _has_failed(latest: Photo | None) -> bool:
    return latest is not None and latest.verdict is Verdict.FAIL


WAITING = (CollectionStatus.UPLOADED, CollectionStatus.REUPLOADED)
