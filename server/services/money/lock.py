"""The one order in which rows of money are locked: enrolment first, then order."""

from __future__ import annotations

from sqlalchemy import select
from sqlalchemy.orm import Session

from models import Order
from server.services.collection import lock_enrolment


def lock_order(session: Session, out_trade_no: str) -> Order | None:
    """Return the order with its enrolment and itself locked until the transaction ends."""
    enrolment_id = session.scalar(
        select(Order.enrolment_id).where(Order.out_trade_no == out_trade_no)
    )
    if enrolment_id is None:
        return None
    lock_enrolment(session, enrolment_id)
    return session.scalars(
        select(Order)
        .where(Order.out_trade_no == out_trade_no)
        .with_for_update(of=Order)
        .execution_options(populate_existing=True)
    ).one()
