"""Agreeing and taking it back, with what follows: only that function closes.

Withdrawing the consent to the photo ends the photo of who is not collected yet: it no longer
counts, and its files go at once, whether a reviewer has opened it or not. Who is collected keeps
the lock, because the diploma may hang on it: nothing is exported any more, and a request for
deletion is opened, which people answer.
"""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.orm import Session, joinedload

from models import CollectionStatus, ConsentText, Enrolment, RequestKind
from server.context import Context
from server.services.consent.ask import current_notice
from server.services.consent.decide import ConsentState, Decider, list_states, record_consent
from server.services.consent.guardian import Guardian, needs_guardian, require_guardian
from server.services.consent.parts import FACES, PHOTO
from server.services.faces.forget import forget_student
from server.services.photo.end_photos import delete_files, end_photos
from server.services.prints.jobs import discard_prints
from server.services.rights.own import lock_own
from server.services.rights.requests import WITHDRAWAL, open_request


@dataclass(frozen=True)
class EnrolmentConsents:
    """The consents of one enrolment, as the page shows them."""

    enrolment: Enrolment
    notice: ConsentText
    states: list[ConsentState]
    is_child: bool
    """Under 14: a guardian decides."""


def list_consents(ctx: Context, user_id: uuid.UUID) -> list[EnrolmentConsents]:
    """Return the consents of everything that the user has bound, in the order of 学号."""
    with ctx.db.read() as session:
        rows = session.scalars(
            select(Enrolment)
            .where(Enrolment.wechat_user_id == user_id)
            .options(joinedload(Enrolment.institution))
            .order_by(Enrolment.student_no, Enrolment.id)
        ).all()
        return [read_consents(session, ctx, row) for row in rows]


def read_consents(session: Session, ctx: Context, enrolment: Enrolment) -> EnrolmentConsents:
    """Return the consents of one enrolment."""
    notice, states = list_states(session, enrolment, ctx.now())
    return EnrolmentConsents(enrolment, notice, states, needs_guardian(ctx, enrolment))


def change_own_consent(
    ctx: Context,
    *,
    user_id: uuid.UUID,
    enrolment_id: uuid.UUID | None,
    kind: str,
    is_given: bool,
    guardian: Guardian | None = None,
) -> None:
    """Give or withdraw one consent; which enrolment need not be said where there is one only.

    Owns its transaction. Doing it twice changes nothing.

    Raises:
        NotFound, EnrolmentNeeded, ConsentKindUnknown, GuardianNeeded, GuardianMalformed.
    """
    with ctx.db.write() as session:
        enrolment = lock_own(session, user_id, enrolment_id)
        who = "student"
        if is_given:
            version = current_notice(session, enrolment.institution_id).version
            who = require_guardian(session, ctx, enrolment, guardian, version)
        decider = Decider(who, user_id=user_id)
        keys = apply_decision(session, ctx, enrolment, kind, is_given=is_given, decider=decider)
    follow_decision(ctx, enrolment.id, keys or (), kind, is_given=is_given)


def apply_decision(
    session: Session,
    ctx: Context,
    enrolment: Enrolment,
    kind: str,
    *,
    is_given: bool,
    decider: Decider,
) -> list[str] | None:
    """Record a decision; returns the files that :func:`follow_decision` deletes after the commit.

    None: it was so before, nothing has changed.

    Raises:
        ConsentKindUnknown.
    """
    at = ctx.now()
    is_new = record_consent(session, enrolment, kind, is_given=is_given, decider=decider, at=at)
    if not is_new:
        return None
    if not is_given and kind in {PHOTO, FACES}:
        forget_student(session, enrolment.id)
    if is_given or kind != PHOTO:
        return []
    if enrolment.collection_status is CollectionStatus.COLLECTED:
        open_request(
            session,
            ctx,
            enrolment,
            kind=RequestKind.DELETION,
            source=WITHDRAWAL,
            user_id=decider.user_id or enrolment.wechat_user_id,
        )
        return []
    return end_photos(
        session,
        enrolment,
        actor_id=decider.user_id,
        at=at,
        reason="consent withdrawn",
        shown_reason="撤回同意",
    )


def follow_decision(
    ctx: Context, enrolment_id: uuid.UUID, keys: Sequence[str], kind: str, *, is_given: bool
) -> None:
    """Do what a decision asks for outside its transaction: files and sheets that show the photo."""
    delete_files(ctx, keys)
    if kind == PHOTO and not is_given:
        discard_prints(ctx, enrolment_id)
