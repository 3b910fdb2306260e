"""Settles many plain payments in one transaction: the short way for the ordinary callback.

Plain means: a new notice, an open order that fits in every respect, an enrolment that is not paid
yet. Anything else is left alone and goes the careful way of `settle_payment`, which knows every
case. Both ways lock enrolment before order, write the same rows and count on the same conditional
update and unique keys, so they may meet on one order at any time.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import structlog
from sqlalchemy import ARRAY, Connection, any_, bindparam, exists, select
from sqlalchemy.exc import IntegrityError

from models import (
    ChsiPolicy,
    CollectionStatus,
    Enrolment,
    FeatureCode,
    Order,
    OrderState,
    Photo,
    QuarantinedPayment,
    WechatUser,
    describe_place,
)
from server import failpoints
from server.context import Context
from server.gateways.pay import EvidenceSource, Notice, PaymentEvidence, TradeState
from server.services.collection import has_passed
from server.services.moment import resolve_moment
from server.services.money.settling.compare import find_mismatch
from server.services.money.settling.write_settled import NotPlain, Settled, write_settled

log = structlog.get_logger()

ORDER: Any = Order.__table__
ENROLMENT: Any = Enrolment.__table__
PHOTO: Any = Photo.__table__
FEATURE: Any = FeatureCode.__table__
USER: Any = WechatUser.__table__
HELD: Any = QuarantinedPayment.__table__


def among(column: Any, name: str) -> dict[str, Any]:
    """Return, for each backend, that `column` is one of the list bound as `name`.

    On PostgreSQL the list is one array: the text of the statement stays the same for any number of
    orders, so it is planned once.
    """
    array = bindparam(name, type_=ARRAY(column.type))
    return {
        "sqlite": column.in_(bindparam(name, expanding=True)),
        "postgresql": column == any_(array),
    }


# Built once: building a statement costs more than running it.
IS_WANTED = among(ORDER.c.out_trade_no, "numbers")
LOCK_ORDERS = (
    select(ORDER.c.id)
    .select_from(ENROLMENT.join(ORDER, ORDER.c.enrolment_id == ENROLMENT.c.id))
    .where(IS_WANTED["postgresql"])
    # one order of locking in every process
    .order_by(ENROLMENT.c.id)
    .with_for_update(of=(ENROLMENT, ORDER))
)
FIND_ORDERS = {
    backend: select(
        ORDER.c.id,
        ORDER.c.out_trade_no,
        ORDER.c.state,
        ORDER.c.amount_fen,
        ORDER.c.currency,
        ORDER.c.transaction_id,
        ORDER.c.closed_at,
        ENROLMENT.c.id.label("enrolment_id"),
        ENROLMENT.c.fee_settled_at,
        ENROLMENT.c.collection_status,
        PHOTO.c.state.label("photo_state"),
        PHOTO.c.verdict,
        PHOTO.c.submitted_at,
        PHOTO.c.counts_from,
        FEATURE.c.chsi_policy,
        USER.c.openid_index,
        exists(
            select(HELD.c.id).where(HELD.c.resolved_at.is_(None), HELD.c.order_id == ORDER.c.id)
        ).label("is_held"),
    )
    .select_from(
        ENROLMENT.join(ORDER, ORDER.c.enrolment_id == ENROLMENT.c.id)
        .join(USER, USER.c.id == ORDER.c.user_id)
        .outerjoin(PHOTO, PHOTO.c.id == ENROLMENT.c.photo_id)
        .outerjoin(FEATURE, FEATURE.c.id == ENROLMENT.c.feature_code_id)
    )
    .where(is_wanted)
    for backend, is_wanted in IS_WANTED.items()
}


@dataclass(frozen=True, slots=True)
class NoticeInHand:
    """A verified notice and its bytes."""

    notice: Notice
    raw_body: bytes


@dataclass(frozen=True, slots=True)
class PlainHand:
    """A notice that tells of a finished payment."""

    hand: NoticeInHand
    payment: PaymentEvidence


def settle_plain(ctx: Context, hands: Sequence[NoticeInHand]) -> set[str]:
    """Keep and settle the plain ones among `hands`; return their notice ids.

    Owns its transaction. What is not in the answer was not touched at all.
    """
    payments: dict[str, PlainHand] = {}
    for hand in hands:
        event = hand.notice.event
        if isinstance(event, PaymentEvidence) and event.trade_state is TradeState.SUCCESS:
            payments.setdefault(event.out_trade_no, PlainHand(hand, event))
    if not payments or ctx.settings.wechat_report_shipping:
        return set()
    try:
        with ctx.db.write() as session:
            connection = session.connection()
            failpoints.hit("many_begin")
            done = settle_locked(ctx, connection, payments)
            failpoints.hit("many_before_commit")
    except (IntegrityError, NotPlain):
        return set()
    failpoints.hit("many_committed")
    for number in done.values():
        log.info("payment_settled", out_trade_no=number, source=EvidenceSource.CALLBACK)
    return set(done)


def settle_locked(
    ctx: Context, connection: Connection, payments: dict[str, PlainHand]
) -> dict[str, str]:
    """Lock the orders of `payments`, settle what is plain, return notice id to order number.

    Each step is one statement for all of them.
    """
    now = ctx.now()
    numbers = {"numbers": list(payments)}
    if not ctx.db.is_sqlite:
        # A statement that waits for a lock sees photo and payer as they were before it waited, so
        # locking and reading are two. A writer on SQLite holds the whole file already.
        connection.execute(LOCK_ORDERS, numbers)
    rows: Sequence[Any] = connection.execute(FIND_ORDERS[connection.dialect.name], numbers).all()
    failpoints.hit("many_locked")
    fitting = [(row, plain) for row in rows if fits(ctx, row, plain := payments[row.out_trade_no])]
    if not fitting:
        return {}
    write_settled(connection, [_describe(ctx, row, plain, now) for row, plain in fitting], now)
    return {plain.hand.notice.notice_id: row.out_trade_no for row, plain in fitting}


def fits(ctx: Context, row: Any, plain: PlainHand) -> bool:
    """Whether nothing at all is special about this payment."""
    evidence = plain.payment
    has_photo = has_passed(row.photo_state, row.verdict)
    return (
        row.state is OrderState.OPEN
        and row.transaction_id is None
        and row.closed_at is None
        and row.fee_settled_at is None
        and (not has_photo or row.collection_status is CollectionStatus.NOT_UPLOADED)
        and not row.is_held
        # whether the 图像采集码 is there is asked the careful way
        and row.chsi_policy is not ChsiPolicy.REQUIRED
        and find_mismatch(ctx, row, evidence) is None
    )


def _describe(ctx: Context, row: Any, plain: PlainHand, now: dt.datetime) -> Settled:
    """Return all that is written of one payment."""
    notice_id = plain.hand.notice.notice_id
    place = describe_place("payment_notice", "body_encrypted", notice_id)
    paid_at = plain.payment.success_time or now
    is_moving = has_passed(row.photo_state, row.verdict)
    return Settled(
        order_id=row.id,
        new_transaction_id=plain.payment.transaction_id,
        new_paid_at=paid_at,
        enrolment_id=row.enrolment_id,
        is_moving=is_moving,
        moment=resolve_moment(row.submitted_at, row.counts_from, paid_at) if is_moving else None,
        notice_id=notice_id,
        pay_version=ctx.pay.version,
        body_encrypted=ctx.cipher.encrypt(plain.hand.raw_body, place=place),
        out_trade_no=plain.payment.out_trade_no,
    )
