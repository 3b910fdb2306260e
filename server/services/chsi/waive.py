"""A student without a code goes on: not everybody has one. Staff say why, and may take it back."""

from __future__ import annotations

import uuid

from sqlalchemy import delete, select

from models import (
    ChsiCode,
    ChsiWaiver,
    Enrolment,
    Photo,
    PhotoState,
    Verdict,
)
from server.context import Context
from server.errors import CaijiError, NotFound
from server.services.audit import record_audit
from server.services.chsi_due import code_due_column, has_code, is_waived
from server.services.collection import Actor, advance, advance_waiting, lock_enrolment
from server.services.sealing import seal
from server.services.viewer import Viewer, may_see

REASON_LENGTH = 200


class ChsiWaiverUnexplained(CaijiError):
    """Somebody will ask later why this photo has no code."""

    code = "chsi_waiver_unexplained"
    status = 422
    message = "请填写为什么这名学生不需要图像采集码"


class NoWaiverNeeded(CaijiError):
    """The student has a code, or goes without one already."""

    code = "chsi_waiver_not_needed"
    status = 409
    message = "这名学生已有图像采集码，或已经设为不需要"


def waive_code(ctx: Context, viewer: Viewer, enrolment_id: uuid.UUID, *, reason: str) -> None:
    """Let a student of the viewer's go on without a code. Owns its transaction.

    Raises:
        NotFound, ChsiWaiverUnexplained, NoWaiverNeeded.
    """
    reason, now = " ".join(reason.split())[:REASON_LENGTH], ctx.now()
    with ctx.db.write() as session:
        enrolment = lock_enrolment(session, enrolment_id)
        if enrolment is None or not may_see(viewer, enrolment):
            raise NotFound
        if not reason:
            raise ChsiWaiverUnexplained
        if has_code(session, enrolment) or is_waived(session, enrolment):
            raise NoWaiverNeeded
        waiver = ChsiWaiver(enrolment_id=enrolment.id, staff_id=viewer.staff_id, at=now)
        waiver.encrypt_reason(reason, ctx.cipher)
        session.add(waiver)
        session.flush()
        advance(session, enrolment, actor=Actor("staff", viewer.staff_id), at=now)
        # Why stands encrypted in the waiver: it may tell of somebody's illness.
        record_audit(
            session,
            viewer,
            "chsi.waive",
            at=now,
            subject_kind="enrolment",
            subject_id=enrolment.id,
        )


def end_waiver(ctx: Context, viewer: Viewer, enrolment_id: uuid.UUID) -> None:
    """Ask the student for a code again; what was handed in stays. Raises NotFound."""
    now = ctx.now()
    with ctx.db.write() as session:
        enrolment = lock_enrolment(session, enrolment_id)
        if enrolment is None or not may_see(viewer, enrolment):
            raise NotFound
        if is_waived(session, enrolment):
            session.execute(delete(ChsiWaiver).where(ChsiWaiver.enrolment_id == enrolment.id))
            record_audit(
                session,
                viewer,
                "chsi.waiver_end",
                at=now,
                subject_kind="enrolment",
                subject_id=enrolment.id,
            )


def discard_code(ctx: Context, viewer: Viewer, enrolment_id: uuid.UUID, *, reason: str) -> None:
    """Delete a code that is not this student's, so that whose it is can give it.

    Raises:
        NotFound, ChsiWaiverUnexplained.
    """
    reason, now = " ".join(reason.split())[:REASON_LENGTH], ctx.now()
    with ctx.db.write() as session:
        enrolment = lock_enrolment(session, enrolment_id)
        if enrolment is None or not may_see(viewer, enrolment):
            raise NotFound
        if not reason:
            raise ChsiWaiverUnexplained("请填写为什么删除这名学生的图像采集码")
        if has_code(session, enrolment):
            session.execute(delete(ChsiCode).where(ChsiCode.enrolment_id == enrolment.id))
            record_audit(
                session,
                viewer,
                "chsi.discard",
                at=now,
                subject_kind="enrolment",
                subject_id=enrolment.id,
                原因=seal(session, ctx.cipher, enrolment.id, reason, at=now),
            )


def move_on_without_code(ctx: Context) -> int:
    """Move on who waited for a code that a feature code no longer requires (a sweeper)."""
    return advance_waiting(
        ctx,
        select(Enrolment.id)
        .join(Photo, Photo.id == Enrolment.photo_id)
        .where(
            Enrolment.fee_settled_at.is_not(None),
            Photo.state == PhotoState.CHECKED,
            Photo.verdict.in_([verdict for verdict in Verdict if verdict.is_passing]),
            ~code_due_column(),
        ),
    )
