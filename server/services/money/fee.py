"""The fee of one enrolment: settled, and taken back when the money has gone back."""

from __future__ import annotations

import datetime as dt
import uuid

from sqlalchemy import select
from sqlalchemy.orm import Session

from models import CollectionStatus, Enrolment, FeatureCode, FeeWaiver, Order, OrderState, Photo
from server.context import Context
from server.services.collection import (
    SYSTEM,
    TRANSITIONS,
    Actor,
    Event,
    advance,
    advance_waiting,
    change_status,
    is_free,
)
from server.services.moment import SETTLES_THE_FEE


def settle_fee(
    session: Session, enrolment: Enrolment, at: dt.datetime, *, actor: Actor = SYSTEM
) -> None:
    """Note on the locked enrolment that its fee is settled; a passed photo moves it on."""
    enrolment.fee_settled_at = at
    enrolment.updated_at = at
    advance(session, enrolment, actor=actor, at=at)


def unsettle_fee(session: Session, order: Order, at: dt.datetime) -> None:
    """Take the settled fee back from the enrolment; a locked photo stays locked.

    Not where another payment, a waiver or a free code settles it all the same.
    """
    enrolment = order.enrolment
    if is_settled_otherwise(session, enrolment, order):
        return
    enrolment.fee_settled_at = None
    enrolment.updated_at = at
    status: CollectionStatus = enrolment.collection_status
    if status in TRANSITIONS[Event.REFUNDED]:
        change_status(session, enrolment, Event.REFUNDED, actor=SYSTEM, at=at)


def is_settled_otherwise(session: Session, enrolment: Enrolment, order: Order) -> bool:
    """Tell whether the fee is settled without the money of ``order``."""
    other = session.scalar(
        select(Order.id).where(
            Order.enrolment_id == enrolment.id,
            Order.id != order.id,
            Order.state.in_(SETTLES_THE_FEE),
        )
    )
    return other is not None or has_waiver(session, enrolment.id) or is_free(session, enrolment)


def is_money_held(session: Session, enrolment_id: uuid.UUID) -> bool:
    """Tell whether money for this enrolment waits for finance, or is on its way back."""
    query = select(Order.id).where(
        Order.enrolment_id == enrolment_id,
        Order.state.in_((OrderState.QUARANTINED, OrderState.REFUNDING)),
    )
    return session.scalars(query.limit(1)).first() is not None


def has_waiver(session: Session, enrolment_id: uuid.UUID) -> bool:
    """Tell whether the fee was forgiven."""
    query = select(FeeWaiver.id).where(FeeWaiver.enrolment_id == enrolment_id)
    return session.scalar(query) is not None


def settle_free_fees(ctx: Context) -> int:
    """Move on who waited to pay when the fee became 0; returns how many. Owns its transactions."""
    with ctx.db.read() as session:
        codes = session.scalars(select(FeatureCode.id).where(FeatureCode.fee_fen == 0)).all()
    if not codes:
        return 0
    return advance_waiting(
        ctx,
        select(Enrolment.id)
        .join(Photo, Photo.id == Enrolment.photo_id)
        .where(Enrolment.feature_code_id.in_(codes), Enrolment.fee_settled_at.is_(None)),
    )
