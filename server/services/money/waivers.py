"""减免: a fee that the college forgives one student, with a reason, once.

Finance does it on the student's page; a roster column does it for many. It stands in the ledger
and moves nobody to another batch: the student's moment is then the photo's alone.
"""

from __future__ import annotations

import datetime as dt
import uuid

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from models import Enrolment, FeatureCode, FeeWaiver, FieldCipher, Order, OrderState
from server.context import Context
from server.errors import CaijiError, NotFound
from server.services.audit import record_audit
from server.services.collection import Actor, lock_enrolment
from server.services.money.fee import has_waiver, settle_fee
from server.services.viewer import Viewer

REASON_LENGTH = 200


class WaiverUnexplained(CaijiError):
    """Finance must be able to explain every fen."""

    code = "waiver_unexplained"
    status = 422
    message = "请填写减免原因或收据号"


class NothingToWaive(CaijiError):
    """The fee is settled: paid, forgiven before, or not asked for."""

    code = "nothing_to_waive"
    status = 409
    message = "这名学生的费用已缴清或已减免"


def waive_fee(
    session: Session,
    enrolment: Enrolment,
    *,
    reason: str,
    actor: Actor,
    at: dt.datetime,
    cipher: FieldCipher,
    is_cash: bool = False,
) -> bool:
    """Forgive the fee of a locked enrolment in the caller's transaction; the caller audits it.

    A passed photo moves on. Returns False where there was nothing to forgive: the fee is settled,
    or was forgiven before. A paid fee is given back by a refund, never by this.

    Raises:
        WaiverUnexplained: no reason.
    """
    reason = " ".join(reason.split())[:REASON_LENGTH]
    if not reason:
        raise WaiverUnexplained
    if enrolment.fee_settled_at is not None or has_waiver(session, enrolment.id):
        return False
    waiver = FeeWaiver(
        institution_id=enrolment.institution_id,
        enrolment_id=enrolment.id,
        amount_fen=find_fee_fen(session, enrolment),
        is_cash=is_cash,
        actor_kind=actor.kind,
        actor_id=actor.id,
        at=at,
    )
    waiver.encrypt_reason(reason, cipher)
    session.add(waiver)
    settle_fee(session, enrolment, at, actor=actor)
    _close_soon(session, enrolment.id, at)
    return True


def find_fee_fen(session: Session, enrolment: Enrolment) -> int:
    """Return the fee that was due; 0 where the student has not come yet and nobody knows."""
    if enrolment.feature_code_id is None:
        return 0
    return session.get_one(FeatureCode, enrolment.feature_code_id).fee_fen


def _close_soon(session: Session, enrolment_id: uuid.UUID, at: dt.datetime) -> None:
    """Let the sweeper close what is open at WeChat: nobody is to pay it any more."""
    session.execute(
        update(Order)
        .where(Order.enrolment_id == enrolment_id, Order.state == OrderState.OPEN)
        .values(next_query_at=at)
    )


def waive_for_student(
    ctx: Context, viewer: Viewer, enrolment_id: uuid.UUID, *, reason: str, is_cash: bool = False
) -> FeeWaiver:
    """Forgive one student's fee because finance says so, or note that it was paid in cash.

    Owns its transaction.

    Raises:
        NotFound, WaiverUnexplained, NothingToWaive.
    """
    with ctx.db.write() as session:
        enrolment = lock_enrolment(session, enrolment_id)
        if enrolment is None or enrolment.institution_id != viewer.institution_id:
            raise NotFound
        actor = Actor("staff", viewer.staff_id)
        is_new = waive_fee(
            session,
            enrolment,
            reason=reason,
            actor=actor,
            at=ctx.now(),
            cipher=ctx.cipher,
            is_cash=is_cash,
        )
        if not is_new:
            raise NothingToWaive
        waiver = session.scalars(
            select(FeeWaiver).where(FeeWaiver.enrolment_id == enrolment.id)
        ).one()
        record_audit(
            session,
            viewer,
            "payment.cash" if is_cash else "payment.waive",
            at=ctx.now(),
            subject_kind="enrolment",
            subject_id=enrolment.id,
            amount_fen=waiver.amount_fen,
        )
        return waiver


def _find_waiver(session: Session, enrolment_id: uuid.UUID) -> FeeWaiver | None:
    """Return the waiver of an enrolment, where there is one."""
    return session.scalars(
        select(FeeWaiver).where(FeeWaiver.enrolment_id == enrolment_id)
    ).one_or_none()
