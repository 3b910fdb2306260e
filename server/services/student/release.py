"""解除绑定: staff end a binding, so that the person whose enrolment it is can go on.

A lost, changed or stranger's WeChat account must not be the end of the way. Photo, payment and
history stay with the enrolment; whoever proves the identity next binds it.
"""

from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import Sequence
from typing import Any

import structlog
from sqlalchemy import Row, select, update
from sqlalchemy.orm import Session

from models import (
    ApiToken,
    CollectionStatus,
    Enrolment,
    Order,
    OrderState,
    OutboxMessage,
    Photo,
    PhotoState,
    Role,
)
from server.context import Context
from server.errors import CaijiError, NotFound
from server.gateways.transport import time_budget
from server.services.audit import record_audit
from server.services.collection import Actor, Event, change_status, lock_enrolment
from server.services.consent.decide import withdraw_everything
from server.services.consent.guardian import forget_guardians
from server.services.money.orders.query_order import refresh_order
from server.services.sealing import seal
from server.services.viewer import Viewer, may_see

log = structlog.get_logger()

IDENTITIES_SEEN = ("身份证原件", "视频核对本人和身份证", "学校学籍照片核对")
"""How staff made sure who asks."""
MAY_RELEASE = frozenset({Role.ADMIN, Role.CENTRE})
MIN_REASON_LENGTH = 4
REASON_LENGTH = 300
CLOSING_BUDGET_S = 5.0
"""For the calls to WeChat of one release; what it leaves open the sweeper closes."""


class NotBound(CaijiError):
    """Nobody is bound to the enrolment."""

    code = "not_bound"
    status = 409
    message = "该学籍没有绑定微信，无需解除"


class ReleaseUnexplained(CaijiError):
    """A release needs a reason that a reader understands later, and an identity that was seen."""

    code = "release_unexplained"
    status = 422
    message = f"请选择核对身份的方式，并写明原因（至少 {MIN_REASON_LENGTH} 个字）"


def release_enrolment(
    ctx: Context, viewer: Viewer, enrolment_id: uuid.UUID, *, reason: str, identity_seen: str
) -> None:
    """End the binding of one enrolment of the viewer's scope. Owns its transaction.

    The former user's sessions end, messages to it are not sent any more, its open order is closed.

    Raises:
        NotFound, ReleaseUnexplained, NotBound.
    """
    reason = " ".join(reason.split())[:REASON_LENGTH]
    if identity_seen not in IDENTITIES_SEEN or len(reason) < MIN_REASON_LENGTH:
        raise ReleaseUnexplained
    now = ctx.now()
    with ctx.db.write() as session:
        enrolment = lock_enrolment(session, enrolment_id)
        if enrolment is None or not may_see(viewer, enrolment) or viewer.role not in MAY_RELEASE:
            raise NotFound
        if enrolment.wechat_user_id is None:
            raise NotBound
        orders = _end_binding(session, enrolment, at=now)
        record_audit(
            session,
            viewer,
            "enrolment.release",
            at=now,
            subject_kind="enrolment",
            subject_id=enrolment.id,
            reason=seal(session, ctx.cipher, enrolment.id, reason, at=now),
            identity_seen=identity_seen,
        )
    close_orders(ctx, orders)


def _end_binding(session: Session, enrolment: Enrolment, *, at: dt.datetime) -> list[uuid.UUID]:
    """End the binding of an enrolment that the caller has locked, in the caller's transaction.

    Returns the open orders: hand them to :func:`close_orders` once the transaction is committed.
    Doing it to an enrolment that nobody holds changes nothing.
    """
    user_id = enrolment.wechat_user_id
    if user_id is None:
        return []
    enrolment.wechat_user_id = None
    enrolment.bound_at = None
    enrolment.updated_at = at
    session.execute(
        update(ApiToken)
        .where(ApiToken.user_id == user_id, ApiToken.revoked_at.is_(None))
        .values(revoked_at=at)
    )
    session.execute(
        update(OutboxMessage)
        .where(
            OutboxMessage.enrolment_id == enrolment.id,
            OutboxMessage.state == "pending",
            # A paid order is reported as delivered whoever holds the enrolment now.
            OutboxMessage.template != "shipping_report",
        )
        .values(state="refused", last_error="released", next_attempt_at=None)
    )
    # The former user's order must not be paid any more: its time is over now.
    open_orders = session.scalars(
        select(Order).where(Order.enrolment_id == enrolment.id, Order.state == OrderState.OPEN)
    ).all()
    for order in open_orders:
        order.expires_at = min(order.expires_at, at)
        order.next_query_at = at
    return [order.id for order in open_orders]


def replace_person(
    session: Session, enrolment: Enrolment, *, actor: Actor, at: dt.datetime, reason: str
) -> list[uuid.UUID]:
    """Let another person stand behind an enrolment: a roster changed name and ID number.

    Call it for each row that staff have confirmed one by one, with the row locked, in the
    transaction that writes the new name and number. The binding ends and the photos of the former
    person stop counting; what was paid stays paid. Returns the open orders, for
    :func:`close_orders` after the commit.
    """
    orders = _end_binding(session, enrolment, at=at)
    if enrolment.collection_status is not CollectionStatus.NOT_UPLOADED:
        change_status(
            session, enrolment, Event.PERSON_REPLACED, actor=actor, at=at, reason=reason[:500]
        )
    enrolment.photo_id = None
    enrolment.batch_id = None
    enrolment.collected_at = None
    enrolment.uploaded_at = None
    enrolment.grace_batch_id = None
    enrolment.grace_until = None
    enrolment.consent_version = None
    withdraw_everything(session, enrolment, at)
    forget_guardians(session, enrolment.id)
    enrolment.updated_at = at
    session.execute(
        update(Photo)
        .where(Photo.enrolment_id == enrolment.id, Photo.state != PhotoState.WITHDRAWN)
        .values(state=PhotoState.WITHDRAWN, leased_by=None, leased_until=None)
    )
    return orders


def needs_confirmation(enrolment: Enrolment | Row[Any]) -> bool:
    """Tell whether another name or number on this row would take a place that somebody holds."""
    return (
        enrolment.wechat_user_id is not None
        or enrolment.fee_settled_at is not None
        or enrolment.photo_id is not None
    )


def close_orders(ctx: Context, order_ids: Sequence[uuid.UUID]) -> None:
    """Close orders at WeChat and in our books; one that was paid meanwhile settles.

    What WeChat does not answer in time the sweeper of orders closes.
    """
    with time_budget(CLOSING_BUDGET_S):
        for order_id in order_ids:
            if not refresh_order(ctx, order_id):
                log.info("order_left_to_sweeper", order_id=str(order_id))
