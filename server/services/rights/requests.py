"""Requests for correction and deletion: asked for, due on a day, decided with a reason."""

from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.orm import Session, joinedload

from models import DataRequest, Enrolment, RequestKind, RequestState
from server.context import Context
from server.errors import CaijiError, NotFound
from server.gateways.clock import LOCAL_ZONE, to_local
from server.services.audit import record_audit
from server.services.compliance.stored_faces import add_working_days
from server.services.messages.tell_student import tell_request
from server.services.rights.own import lock_own
from server.services.viewer import Viewer, get_visible

ANSWER_WITHIN_WORKING_DAYS = 15
"""App 违法违规收集使用个人信息行为认定方法 (2019), article 6: what a user asks for is answered
within 15 working days. Holidays are counted as well, so the day shown is never too late."""
WISH_LENGTH = 1000
ANSWER_LENGTH = 500
MIN_ANSWER_LENGTH = 4
STUDENT, WITHDRAWAL, IN_PERSON = "student", "withdrawal", "in_person"
SOURCES = {STUDENT: "小程序", WITHDRAWAL: "撤回同意", IN_PERSON: "本人到场"}
UNFINISHED = (RequestState.OPEN, RequestState.GRANTED)


class WishMissing(CaijiError):
    """A correction that does not say what is wrong, or a text that is too long."""

    code = "wish_missing"
    status = 422
    message = f"请写下哪里有错、应该是什么，不超过 {WISH_LENGTH} 个字"


class RequestDecided(CaijiError):
    """The request was decided before."""

    code = "request_decided"
    status = 409
    message = "这个申请已经处理过"


class AnswerMissing(CaijiError):
    """A decision needs a reason that the person understands."""

    code = "answer_missing"
    status = 422
    message = f"请写明理由，学生会看到（{MIN_ANSWER_LENGTH} 到 {ANSWER_LENGTH} 个字）"


@dataclass(frozen=True)
class RequestView:
    """One request in clear, for its person or for an administrator."""

    row: DataRequest
    wish: str
    answer: str

    def is_overdue(self, now: dt.datetime) -> bool:
        """Tell whether the day to answer has passed."""
        return self.row.state in UNFINISHED and self.row.due_at < now


def compute_due(asked_at: dt.datetime) -> dt.datetime:
    """Return the end of the last working day on which an answer is in time."""
    day = add_working_days(to_local(asked_at).date(), ANSWER_WITHIN_WORKING_DAYS)
    return dt.datetime.combine(day, dt.time(23, 59, 59), LOCAL_ZONE)


def ask(
    ctx: Context,
    *,
    user_id: uuid.UUID,
    enrolment_id: uuid.UUID | None,
    kind: RequestKind,
    wish: str,
) -> RequestView:
    """Write down what a student asks for; the same while it is open is one request.

    Owns its transaction. Raises NotFound, EnrolmentNeeded, WishMissing.
    """
    with ctx.db.write() as session:
        enrolment = lock_own(session, user_id, enrolment_id)
        row = open_request(
            session, ctx, enrolment, kind=kind, source=STUDENT, wish=wish, user_id=user_id
        )
        return _reveal(ctx, row)


def open_request(
    session: Session,
    ctx: Context,
    enrolment: Enrolment,
    *,
    kind: RequestKind,
    source: str,
    wish: str = "",
    user_id: uuid.UUID | None = None,
) -> DataRequest:
    """Write a request in the caller's transaction; an open one of the same kind and wish is it.

    Raises:
        WishMissing.
    """
    wish = wish.strip()
    if len(wish) > WISH_LENGTH or (kind is RequestKind.CORRECTION and not wish):
        raise WishMissing
    for known in session.scalars(
        select(DataRequest).where(
            DataRequest.enrolment_id == enrolment.id,
            DataRequest.kind == kind,
            DataRequest.state == RequestState.OPEN,
        )
    ):
        if kind is RequestKind.DELETION or known.decrypt_wish(ctx.cipher) == wish:
            return known
    now = ctx.now()
    row = DataRequest(
        institution_id=enrolment.institution_id,
        enrolment_id=enrolment.id,
        user_id=user_id,
        kind=kind,
        source=source,
        asked_at=now,
        due_at=compute_due(now),
        state=RequestState.OPEN,
    )
    row.encrypt_wish(wish, ctx.cipher)
    session.add(row)
    session.flush()
    return row


def list_own_requests(ctx: Context, user_id: uuid.UUID) -> list[RequestView]:
    """Return what was asked for the enrolments that the user has bound, newest first."""
    with ctx.db.read() as session:
        rows = session.scalars(
            select(DataRequest)
            .join(Enrolment, Enrolment.id == DataRequest.enrolment_id)
            .where(Enrolment.wechat_user_id == user_id)
            .order_by(DataRequest.asked_at.desc(), DataRequest.id.desc())
        ).all()
        return [_reveal(ctx, row) for row in rows]


def list_requests(ctx: Context, viewer: Viewer, *, is_finished: bool) -> list[RequestView]:
    """Return the requests of the viewer's institution: unfinished ones by due day, or the rest."""
    states = (RequestState.REFUSED, RequestState.DONE) if is_finished else UNFINISHED
    order = DataRequest.asked_at.desc() if is_finished else DataRequest.due_at
    with ctx.db.read() as session:
        rows = session.scalars(
            select(DataRequest)
            .where(
                DataRequest.institution_id == viewer.institution_id, DataRequest.state.in_(states)
            )
            .options(joinedload(DataRequest.enrolment))
            .order_by(order, DataRequest.id)
            .limit(200)
        ).all()
        return [_reveal(ctx, row) for row in rows]


def list_of_student(ctx: Context, viewer: Viewer, enrolment_id: uuid.UUID) -> list[RequestView]:
    """Return the requests of one student of the viewer's scope; raises NotFound."""
    with ctx.db.read() as session:
        get_visible(session, viewer, enrolment_id)
        rows: Sequence[DataRequest] = session.scalars(
            select(DataRequest)
            .where(DataRequest.enrolment_id == enrolment_id)
            .order_by(DataRequest.asked_at.desc())
        ).all()
        return [_reveal(ctx, row) for row in rows]


def view_request(ctx: Context, viewer: Viewer, request_id: uuid.UUID) -> RequestView:
    """Return one request of the viewer's institution; raises NotFound."""
    with ctx.db.read() as session:
        row = session.get(DataRequest, request_id, options=[joinedload(DataRequest.enrolment)])
        if row is None or row.institution_id != viewer.institution_id:
            raise NotFound
        return _reveal(ctx, row)


def refuse(ctx: Context, viewer: Viewer, request_id: uuid.UUID, answer: str) -> None:
    """Refuse a request with a reason, and tell the person. Owns its transaction.

    Raises:
        NotFound, RequestDecided, AnswerMissing.
    """
    with ctx.db.write() as session:
        row = lock_request(session, viewer, request_id)
        _decide(session, ctx, viewer, row, RequestState.REFUSED, answer)


def grant(ctx: Context, viewer: Viewer, request_id: uuid.UUID, answer: str) -> None:
    """Agree to a request, which is carried out afterwards. Owns its transaction.

    Raises:
        NotFound, RequestDecided, AnswerMissing.
    """
    with ctx.db.write() as session:
        row = lock_request(session, viewer, request_id)
        _decide(session, ctx, viewer, row, RequestState.GRANTED, answer)


def lock_request(session: Session, viewer: Viewer, request_id: uuid.UUID) -> DataRequest:
    """Return a request of the viewer's institution with its row locked; raises NotFound."""
    row = session.get(DataRequest, request_id, with_for_update=True, populate_existing=True)
    if row is None or row.institution_id != viewer.institution_id:
        raise NotFound
    return row


def _decide(
    session: Session,
    ctx: Context,
    viewer: Viewer,
    row: DataRequest,
    state: RequestState,
    answer: str,
) -> None:
    """Write the decision and tell the person, in the caller's transaction.

    Raises:
        RequestDecided, AnswerMissing.
    """
    answer = answer.strip()
    if row.state is not RequestState.OPEN:
        raise RequestDecided
    if not MIN_ANSWER_LENGTH <= len(answer) <= ANSWER_LENGTH:
        raise AnswerMissing
    row.state = state
    row.decided_at = ctx.now()
    row.decided_by = viewer.staff_id
    row.encrypt_answer(answer, ctx.cipher)
    note_request(session, ctx, viewer, row)
    tell_request(session, row, at=ctx.now())


def note_request(session: Session, ctx: Context, viewer: Viewer, row: DataRequest) -> None:
    """Write in the audit log what became of a request, without its words."""
    record_audit(
        session,
        viewer,
        "request.decide",
        at=ctx.now(),
        subject_kind="enrolment",
        subject_id=row.enrolment_id,
        申请=row.kind.label,
        结果=row.state.label,
    )


def _reveal(ctx: Context, row: DataRequest) -> RequestView:
    return RequestView(row, row.decrypt_wish(ctx.cipher), row.decrypt_answer(ctx.cipher))
