"""Writes down that we could not take a student's photo now: the next try counts from then.

The answer waits for it, and on the last evening hundreds are refused in the same second. So those
who come together share one transaction: who has the turn writes for all that wait.
"""

from __future__ import annotations

import datetime as dt
import threading
import uuid
from collections.abc import Sequence
from dataclasses import dataclass

import structlog
from sqlalchemy import select
from sqlalchemy.exc import IntegrityError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from models import Enrolment
from server.context import Context
from server.services.moment import note_failed_try

log = structlog.get_logger()

MAX_WAIT_S = 1.0
"""How long an answer waits for its turn; whoever has the next one writes it then."""


@dataclass
class Refusal:
    """One upload that was refused; ``is_noted`` once somebody has tried to write it down."""

    user_id: uuid.UUID
    enrolment_id: uuid.UUID
    at: dt.datetime
    is_noted: bool = False


class RefusalNotes:
    """The refusals of one process. Safe to share between threads."""

    def __init__(self) -> None:
        self._waiting: list[Refusal] = []
        self._lock = threading.Lock()
        self._turn = threading.Lock()

    def note(self, ctx: Context, refusal: Refusal) -> None:
        """Write it down, together with those that wait. Owns its transaction."""
        with self._lock:
            self._waiting.append(refusal)
        if not self._turn.acquire(timeout=MAX_WAIT_S):
            return
        try:
            if refusal.is_noted:
                return
            with self._lock:
                refusals, self._waiting = self._waiting, []
            _write(ctx, refusals)
            for each in refusals:
                each.is_noted = True
        finally:
            self._turn.release()


_notes = RefusalNotes()


def note_refused_upload(ctx: Context, user_id: uuid.UUID, enrolment_id: uuid.UUID) -> None:
    """Write down that a photo of this student was refused now, if the enrolment is theirs.

    Where the database is the reason, nothing can be written: the log says so.
    """
    _notes.note(ctx, Refusal(user_id, enrolment_id, ctx.now()))


def _write(ctx: Context, refusals: Sequence[Refusal]) -> None:
    # one order of locking in every process
    ordered = sorted(refusals, key=lambda each: (each.enrolment_id, each.at))
    try:
        try:
            _write_all(ctx, ordered)
        except IntegrityError:
            # another process wrote the first refusal of the same student; now it is there
            _write_all(ctx, ordered)
    except (OperationalError, PoolTimeout, IntegrityError):
        log.error("refused_uploads_not_noted", count=len(refusals))  # noqa: TRY400


def _write_all(ctx: Context, refusals: Sequence[Refusal]) -> None:
    ids = {each.enrolment_id for each in refusals}
    with ctx.db.write() as session:
        owners = select(Enrolment.id, Enrolment.wechat_user_id).where(Enrolment.id.in_(ids))
        owned = {(row.id, row.wechat_user_id) for row in session.execute(owners)}
        for each in refusals:
            if (each.enrolment_id, each.user_id) in owned:
                note_failed_try(session, each.enrolment_id, began_at=each.at, now=each.at)
