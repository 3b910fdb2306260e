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
from sqlalchemy import ARRAY, Connection, any_, bindparam, exists, insert, select, update
from sqlalchemy.exc import IntegrityError

from models import (
    CollectionStatus,
    Enrolment,
    Order,
    OrderState,
    PaymentNotice,
    Photo,
    PhotoState,
    QuarantinedPayment,
    StatusChange,
    Verdict,
    WechatUser,
    describe_place,
    index_openid,
    new_id,
)
from server import failpoints
from server.context import Context
from server.gateways.pay import EvidenceSource, Notice, PaymentEvidence, TradeState
from server.services.collection import SYSTEM, Event, resolve_transition

log = structlog.get_logger()

ORDER: Any = Order.__table__
ENROLMENT: Any = Enrolment.__table__
PHOTO: Any = Photo.__table__
USER: Any = WechatUser.__table__
HELD: Any = QuarantinedPayment.__table__
NOTICE: Any = PaymentNotice.__table__
PASSED = frozenset({Verdict.PASS, Verdict.WARN})


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
IS_CHANGED = among(ENROLMENT.c.id, "row_ids")
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
        USER.c.openid_index,
        exists(
            select(HELD.c.id).where(HELD.c.resolved_at.is_(None), HELD.c.order_id == ORDER.c.id)
        ).label("is_held"),
    )
    .select_from(
        ENROLMENT.join(ORDER, ORDER.c.enrolment_id == ENROLMENT.c.id)
        .join(USER, USER.c.id == ORDER.c.user_id)
        .outerjoin(PHOTO, PHOTO.c.id == ENROLMENT.c.photo_id)
    )
    .where(is_wanted)
    for backend, is_wanted in IS_WANTED.items()
}
INSERT_NOTICES = insert(NOTICE)
PAY_ORDER = (
    update(ORDER)
    .where(ORDER.c.id == bindparam("order_id"), ORDER.c.state == OrderState.OPEN)
    .values(
        state=OrderState.PAID,
        transaction_id=bindparam("new_transaction_id"),
        paid_at=bindparam("new_paid_at"),
        settled_at=bindparam("now"),
        settled_by=EvidenceSource.CALLBACK.value,
        next_query_at=None,
    )
)
SETTLE_FEE = {
    backend: update(ENROLMENT)
    .where(is_changed)
    .values(fee_settled_at=bindparam("now"), updated_at=bindparam("now"))
    for backend, is_changed in IS_CHANGED.items()
}
SETTLE_AND_MOVE = {
    backend: statement.values(
        collection_status=bindparam("new_status"), uploaded_at=bindparam("now")
    )
    for backend, statement in SETTLE_FEE.items()
}
WRITE_HISTORY = insert(StatusChange.__table__)  # type: ignore[arg-type]


class NotPlain(Exception):
    """Something turned out not to be plain after all: roll back, go the careful way."""


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
    keep_notices(ctx, connection, [plain for _, plain in fitting], now)
    failpoints.hit("many_notices_kept")
    pay_orders(connection, fitting, now)
    failpoints.hit("many_orders_paid")
    settle_fees(connection, [row for row, _ in fitting], now)
    return {plain.hand.notice.notice_id: row.out_trade_no for row, plain in fitting}


def fits(ctx: Context, row: Any, plain: PlainHand) -> bool:
    """Whether nothing at all is special about this payment."""
    evidence = plain.payment
    has_passed = has_passing_photo(row)
    return (
        row.state is OrderState.OPEN
        and row.transaction_id is None
        and row.closed_at is None
        and row.fee_settled_at is None
        and (not has_passed or row.collection_status is CollectionStatus.NOT_UPLOADED)
        and not row.is_held
        and evidence.app_id == ctx.pay.app_id
        and evidence.mch_id == ctx.pay.mch_id
        and evidence.currency == row.currency
        and evidence.amount_fen == row.amount_fen
        and index_openid(evidence.payer_openid, ctx.cipher) == row.openid_index
    )


def has_passing_photo(row: Any) -> bool:
    """Whether the photo that counts has passed."""
    return row.photo_state is PhotoState.CHECKED and row.verdict in PASSED


def keep_notices(
    ctx: Context, connection: Connection, plains: list[PlainHand], now: dt.datetime
) -> None:
    """Insert the raw notices, encrypted, with their outcome.

    Raises:
        IntegrityError: one of them was kept before, undecided.
    """
    values = [
        {
            "id": new_id(),
            "notice_id": plain.hand.notice.notice_id,
            "pay_version": ctx.pay.version,
            "kind": "payment",
            "is_verified": True,
            "body_encrypted": encrypt_body(ctx, plain.hand),
            "out_trade_no": plain.payment.out_trade_no,
            "received_at": now,
            "delivery_count": 1,
            "outcome": "settled",
            "handled_at": now,
        }
        for plain in plains
    ]
    connection.execute(INSERT_NOTICES, values)


def encrypt_body(ctx: Context, hand: NoticeInHand) -> bytes:
    """Return the stored form of the bytes, bound to their notice id."""
    place = describe_place("payment_notice", "body_encrypted", hand.notice.notice_id)
    return ctx.cipher.encrypt(hand.raw_body, place=place)


def pay_orders(
    connection: Connection, settled: list[tuple[Any, PlainHand]], now: dt.datetime
) -> None:
    """Move the locked orders to paid; raise `NotPlain` when one of them is not open any more."""
    changed = connection.execute(
        PAY_ORDER,
        [
            {
                "order_id": row.id,
                "new_transaction_id": plain.payment.transaction_id,
                "new_paid_at": plain.payment.success_time or now,
                "now": now,
            }
            for row, plain in settled
        ],
    )
    if changed.rowcount != len(settled):
        raise NotPlain


def settle_fees(connection: Connection, rows: list[Any], now: dt.datetime) -> None:
    """Note the fees on the locked enrolments; those with a passed photo move on to uploaded.

    This does for many rows what `collection.advance` does for one, by the same table.
    """
    waiting = [row.enrolment_id for row in rows if not has_passing_photo(row)]
    if waiting:
        connection.execute(SETTLE_FEE[connection.dialect.name], {"row_ids": waiting, "now": now})
    moving = [row for row in rows if has_passing_photo(row)]
    if not moving:
        return
    after = resolve_transition(Event.SUBMITTED, CollectionStatus.NOT_UPLOADED)
    connection.execute(
        SETTLE_AND_MOVE[connection.dialect.name],
        {"row_ids": [row.enrolment_id for row in moving], "now": now, "new_status": after},
    )
    failpoints.hit("many_enrolments_moved")
    connection.execute(
        WRITE_HISTORY,
        [
            {
                "id": new_id(),
                "enrolment_id": row.enrolment_id,
                "at": now,
                "from_status": row.collection_status,
                "to_status": after,
                "event": Event.SUBMITTED.value,
                "actor_kind": SYSTEM.kind,
                "actor_id": None,
                "reason": "",
            }
            for row in moving
        ],
    )
    failpoints.hit("many_history_written")
