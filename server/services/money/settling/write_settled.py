"""Writes what settling changes, for many payments at once: notice, order, enrolment, history.

PostgreSQL does it in one statement, because every trip to it is paid by all who wait for the
transaction. SQLite knows no statement that writes to several tables, and has no trips.
"""

from __future__ import annotations

import datetime as dt
import operator
import uuid
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import (
    ARRAY,
    Boolean,
    ColumnElement,
    Connection,
    LargeBinary,
    String,
    Uuid,
    bindparam,
    case,
    column,
    func,
    insert,
    literal,
    select,
    update,
)

from models import (
    CollectionStatus,
    Enrolment,
    Order,
    OrderState,
    PaymentNotice,
    StatusChange,
    new_id,
)
from models.base import UtcDateTime
from server import failpoints
from server.gateways.pay import EvidenceSource
from server.services.collection import SYSTEM, Event, resolve_transition

ORDER: Any = Order.__table__
ENROLMENT: Any = Enrolment.__table__
NOTICE: Any = PaymentNotice.__table__
CHANGE: Any = StatusChange.__table__

BEFORE = CollectionStatus.NOT_UPLOADED
AFTER = resolve_transition(Event.SUBMITTED, BEFORE)


class NotPlain(Exception):
    """Something turned out not to be plain after all: roll back, go the careful way."""


@dataclass(frozen=True, slots=True)
class Settled:
    """One payment and what is written of it.

    Attributes:
        is_moving: its photo has passed, so that the enrolment moves on to uploaded, from
            ``moment`` on.
    """

    order_id: uuid.UUID
    new_transaction_id: str
    new_paid_at: dt.datetime
    enrolment_id: uuid.UUID
    is_moving: bool
    moment: dt.datetime | None
    notice_id: str
    pay_version: str
    body_encrypted: bytes
    out_trade_no: str
    notice_row_id: uuid.UUID = field(default_factory=new_id)
    change_id: uuid.UUID = field(default_factory=new_id)


def write_settled(connection: Connection, settled: Sequence[Settled], now: dt.datetime) -> None:
    """Write them into the caller's transaction, which holds orders and enrolments locked.

    Raises:
        NotPlain: an order is not open any more.
        IntegrityError: a notice was kept before, undecided.
    """
    if connection.dialect.name == "sqlite":
        _write_each(connection, settled, now)
        return
    arrays = {_name_array(name): list(map(read, settled)) for name, read in READ.items()}
    paid = connection.scalar(WRITE_ALL, arrays | {"now": now})
    if paid != len(settled):
        raise NotPlain


# Built once: building a statement costs more than running it.
NOTICE_VALUES = {
    "id": "notice_row_id",
    "notice_id": "notice_id",
    "pay_version": "pay_version",
    "body_encrypted": "body_encrypted",
    "out_trade_no": "out_trade_no",
}
"""Column of the notice to the field of ``Settled``."""
SAME_NOTICE: dict[str, Any] = {
    "kind": "payment",
    "is_verified": True,
    "delivery_count": 1,
    "outcome": "settled",
}
SAME_CHANGE: dict[str, Any] = {
    "from_status": BEFORE,
    "to_status": AFTER,
    "event": Event.SUBMITTED.value,
    "actor_kind": SYSTEM.kind,
    "actor_id": None,
    "reason": "",
}
SAME_ORDER: dict[str, Any] = {
    "state": OrderState.PAID,
    "settled_by": EvidenceSource.CALLBACK.value,
    "next_query_at": None,
}
INSERT_NOTICE = insert(NOTICE)
PAY_ORDER = (
    update(ORDER)
    .where(ORDER.c.id == bindparam("order_id"), ORDER.c.state == OrderState.OPEN)
    .values(
        transaction_id=bindparam("new_transaction_id"),
        paid_at=bindparam("new_paid_at"),
        settled_at=bindparam("now"),
        **SAME_ORDER,
    )
)
PAID_VALUES = ("order_id", "new_transaction_id", "new_paid_at")
SETTLE_FEE = (
    update(ENROLMENT)
    .where(ENROLMENT.c.id == bindparam("row"))
    .values(
        fee_settled_at=bindparam("now"),
        updated_at=bindparam("now"),
    )
)
SETTLE_AND_MOVE = SETTLE_FEE.values(collection_status=AFTER, uploaded_at=bindparam("moment"))
WRITE_HISTORY = insert(CHANGE)


def _write_each(connection: Connection, settled: Sequence[Settled], now: dt.datetime) -> None:
    """Write table by table.

    Each statement is given just what it names: whatever else has a column's name would be set.
    """
    at = {"received_at": now, "handled_at": now}
    notices = [
        {name: READ[field](each) for name, field in NOTICE_VALUES.items()} | SAME_NOTICE | at
        for each in settled
    ]
    connection.execute(INSERT_NOTICE, notices)
    failpoints.hit("many_notices_kept")
    orders = [{name: READ[name](each) for name in PAID_VALUES} | {"now": now} for each in settled]
    if connection.execute(PAY_ORDER, orders).rowcount != len(orders):
        raise NotPlain
    failpoints.hit("many_orders_paid")
    moving = [each for each in settled if each.is_moving]
    waiting = [{"row": each.enrolment_id, "now": now} for each in settled if not each.is_moving]
    if waiting:
        connection.execute(SETTLE_FEE, waiting)
    if not moving:
        return
    moves = [{"row": each.enrolment_id, "now": now, "moment": each.moment} for each in moving]
    connection.execute(SETTLE_AND_MOVE, moves)
    failpoints.hit("many_enrolments_moved")
    changes = [
        {"id": each.change_id, "enrolment_id": each.enrolment_id, "at": now} | SAME_CHANGE
        for each in moving
    ]
    connection.execute(WRITE_HISTORY, changes)
    failpoints.hit("many_history_written")


TYPES: dict[str, Any] = {
    "order_id": Uuid(),
    "new_transaction_id": String(),
    "new_paid_at": UtcDateTime(),
    "enrolment_id": Uuid(),
    "is_moving": Boolean(),
    "moment": UtcDateTime(),
    "notice_id": String(),
    "pay_version": String(),
    "body_encrypted": LargeBinary(),
    "out_trade_no": String(),
    "notice_row_id": Uuid(),
    "change_id": Uuid(),
}
"""Field of ``Settled`` to its type: each is one array, so that the statement's text stays the same
for any number of payments and is planned once."""
READ = {name: operator.attrgetter(name) for name in TYPES}


def _name_array(field_name: str) -> str:
    """Return a name that is no column's: SQLAlchemy would set that column to it."""
    return f"all_{field_name}"


def _make_statement() -> Any:
    """Return the one statement that writes all; it answers how many orders it has paid."""
    arrays = (bindparam(_name_array(name), type_=ARRAY(kind)) for name, kind in TYPES.items())
    columns = (column(name, kind) for name, kind in TYPES.items())
    line = func.unnest(*arrays).table_valued(*columns, name="line").render_derived()
    lines = select(line).cte("lines")
    now = bindparam("now", type_=UtcDateTime())
    kept = _insert_from(
        NOTICE,
        {name: lines.c[field] for name, field in NOTICE_VALUES.items()}
        | {"received_at": now, "handled_at": now}
        | SAME_NOTICE,
    )
    paid = (
        update(ORDER)
        .where(ORDER.c.id == lines.c.order_id, ORDER.c.state == OrderState.OPEN)
        .values(
            transaction_id=lines.c.new_transaction_id,
            paid_at=lines.c.new_paid_at,
            settled_at=now,
            **SAME_ORDER,
        )
        .returning(ORDER.c.id)
        .cte("paid")
    )
    moved = (
        update(ENROLMENT)
        .where(ENROLMENT.c.id == lines.c.enrolment_id)
        .values(
            fee_settled_at=now,
            updated_at=now,
            collection_status=case(
                (lines.c.is_moving, literal(AFTER, ENROLMENT.c.collection_status.type)),
                else_=ENROLMENT.c.collection_status,
            ),
            uploaded_at=case((lines.c.is_moving, lines.c.moment), else_=ENROLMENT.c.uploaded_at),
        )
        .cte("moved")
    )
    written = _insert_from(
        CHANGE,
        {"id": lines.c.change_id, "enrolment_id": lines.c.enrolment_id, "at": now} | SAME_CHANGE,
        lines.c.is_moving,
    )
    return select(func.count()).select_from(paid).add_cte(kept, moved, written)


def _insert_from(table: Any, values: dict[str, Any], *conditions: Any) -> Any:
    """Return the insertion of one row for each line."""
    columns = [
        value if isinstance(value, ColumnElement) else literal(value, table.c[name].type)
        for name, value in values.items()
    ]
    labelled = [each.label(name) for name, each in zip(values, columns, strict=True)]
    rows = select(*labelled).where(*conditions)
    inserted = insert(table).from_select(list(values), rows, include_defaults=False)
    return inserted.cte(f"into_{table.name}")


WRITE_ALL = _make_statement()
