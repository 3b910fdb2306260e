"""Roster import, second half: writes a plan, all of it or nothing.

Encryption and the transfer of the rows happen in a temporary table. The transaction that others
wait for is then two statements long: with 100,000 students under two seconds on SQLite.
"""

from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import Callable, Collection, Iterator
from itertools import chain, islice
from typing import Any

from sqlalchemy import (
    ARRAY,
    Boolean,
    Column,
    Connection,
    MetaData,
    Table,
    Uuid,
    any_,
    bindparam,
    insert,
    literal,
    select,
    update,
)
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from models import (
    CollectionStatus,
    Enrolment,
    FieldCipher,
    LearningCentre,
    StatusChange,
    describe_place,
    index_id_number,
    new_id,
)
from models.photo_number import create_photo_number
from server.context import Context
from server.errors import CaijiError
from server.services.collection import SYSTEM, Actor, Event, lock_enrolment, lock_enrolments
from server.services.roster.plan import (
    CHUNK,
    TEXT_FIELDS,
    Change,
    ImportPlan,
    Progress,
    Student,
    show_nothing,
)
from server.services.roster.waive import find_ids, waive_listed
from server.services.student.release import close_orders, replace_person

UPDATED = (
    *("centre_id", "id_number_encrypted", "id_number_index", "phone_encrypted"),
    *TEXT_FIELDS.values(),
)
INSERTED = (
    *("id", "institution_id", "student_no", "photo_number", "collection_code"),
    *("created_at", "updated_at"),
    *UPDATED,
)
ENROLMENT: Any = Enrolment.__table__
STAGE = Table(
    "roster_stage",
    MetaData(),
    *(Column(name, ENROLMENT.c[name].type) for name in INSERTED),
    Column("change_id", ENROLMENT.c.id.type),
    Column("is_new", Boolean),
    prefixes=["TEMPORARY"],
)


class RosterHasErrors(CaijiError):
    """Some rows are wrong; nothing was imported."""

    code = "roster_has_errors"
    status = 422
    message = "名单中有错误，没有导入任何学生"


class ReplacementUnconfirmed(CaijiError):
    """A row gives a 学号 that somebody has used to another person, and nobody confirmed it."""

    code = "replacement_unconfirmed"
    status = 422
    message = "有学号换了人（姓名和身份证号都变了），没有导入任何学生：请逐行确认"


class RosterOutdated(CaijiError):
    """Somebody else imported the same students since the plan was made."""

    code = "roster_outdated"
    status = 409
    message = "核对之后名单又被改动过，没有导入任何学生，请重新核对"


def apply_import(
    ctx: Context,
    institution_id: uuid.UUID,
    plan: ImportPlan,
    *,
    actor: Actor = SYSTEM,
    progress: Progress = show_nothing,
    also: Callable[[Session], None] | None = None,
    replaced: Collection[str] = (),
) -> None:
    """Write a plan without faults in one transaction, ``also`` in the same one.

    ``replaced`` are the 学号 that somebody has confirmed, one by one, to be another person's now:
    their binding ends and the former person's photo stops counting.

    Raises:
        RosterHasErrors, ReplacementUnconfirmed, RosterOutdated: nothing was written.
    """
    if plan.faults:
        raise RosterHasErrors
    if not {change.student_no for change in plan.replaced} <= set(replaced):
        raise ReplacementUnconfirmed
    now = ctx.now()
    total = len(plan.new) + len(plan.changed)
    centres, new_centres = _name_centres(ctx, institution_id, plan, now)
    rows = _make_rows(plan, institution_id, centres, now, ctx.cipher)
    with ctx.db.stage(STAGE) as connection:
        _fill(connection, rows, total, progress)
        try:
            with ctx.db.write_staged(connection) as session:
                _lock_all(session, institution_id, plan)
                if also is not None:
                    also(session)
                orders = _replace_people(session, plan, actor, now)
                if new_centres:
                    session.execute(insert(LearningCentre), new_centres)
                _carry_over(session, actor, now)
                waive_listed(
                    session, institution_id, plan.waived, actor=actor, at=now, cipher=ctx.cipher
                )
        except IntegrityError as error:
            raise RosterOutdated from error
    close_orders(ctx, orders)
    progress(total, total)


def _lock_all(session: Session, institution_id: uuid.UUID, plan: ImportPlan) -> None:
    """Lock whom the plan touches in the order in which payments lock: none waits in a ring.

    PostgreSQL alone: SQLite has one writer. The list is one array, whatever its length.
    """
    if session.get_bind().dialect.name != "postgresql":
        return
    ids = [change.row_id for change in (*plan.replaced, *(change for change, _ in plan.changed))]
    ids += [row_id for _, row_id in find_ids(session, institution_id, list(plan.waived))]
    lock_enrolments(session, Enrolment.id == any_(bindparam("ids", ids, type_=ARRAY(Uuid))))


def _replace_people(
    session: Session, plan: ImportPlan, actor: Actor, now: dt.datetime
) -> list[uuid.UUID]:
    """End what the former person of each replaced row has; returns the orders to close."""
    orders: list[uuid.UUID] = []
    for change in plan.replaced:
        enrolment = lock_enrolment(session, change.row_id)
        if enrolment is not None:
            orders += replace_person(
                session, enrolment, actor=actor, at=now, reason="名单导入：换了人"
            )
    session.flush()
    return orders


def _name_centres(
    ctx: Context, institution_id: uuid.UUID, plan: ImportPlan, now: dt.datetime
) -> tuple[dict[str, uuid.UUID], list[dict[str, Any]]]:
    """Return the id of every centre of the plan, and the rows of those that are new."""
    with ctx.db.read() as session:
        known = session.scalars(
            select(LearningCentre).where(LearningCentre.institution_id == institution_id)
        )
        centres = {centre.name: centre.id for centre in known}
    wanted = {student.centre for student in chain(plan.new, (s for _, s in plan.changed))}
    new_rows: list[dict[str, Any]] = [
        {
            "id": new_id(),
            "institution_id": institution_id,
            "name": name,
            "contact": "",
            "created_at": now,
        }
        for name in sorted(wanted - centres.keys())
    ]
    return centres | {row["name"]: row["id"] for row in new_rows}, new_rows


def _make_rows(
    plan: ImportPlan,
    institution_id: uuid.UUID,
    centres: dict[str, uuid.UUID],
    now: dt.datetime,
    cipher: FieldCipher,
) -> Iterator[dict[str, Any]]:
    fixed = {"institution_id": institution_id, "created_at": now, "updated_at": now}
    everyone: Iterator[tuple[Student, uuid.UUID, Change | None]] = chain(
        ((student, new_id(), None) for student in plan.new),
        ((student, change.row_id, change) for change, student in plan.changed),
    )
    for student, row_id, change in everyone:
        number = create_photo_number()
        place = describe_place("enrolment", "id_number_encrypted", row_id)
        yield {
            **fixed,
            **student.fields,
            "id": row_id,
            "student_no": student.student_no,
            "centre_id": centres[student.centre],
            "id_number_encrypted": cipher.encrypt(student.id_number, place=place),
            "id_number_index": index_id_number(student.id_number, cipher),
            "photo_number": number,
            "collection_code": number,
            "change_id": new_id(),
            "phone_encrypted": _seal_phone(student, row_id, change, cipher),
            "is_new": change is None,
        }


def _seal_phone(
    student: Student, row_id: uuid.UUID, change: Change | None, cipher: FieldCipher
) -> bytes | None:
    if student.phone is None:
        return change.phone_encrypted if change is not None else None
    place = describe_place("enrolment", "phone_encrypted", row_id)
    return cipher.encrypt(student.phone, place=place) if student.phone else None


def _fill(
    connection: Connection, rows: Iterator[dict[str, Any]], total: int, progress: Progress
) -> None:
    done = 0
    while chunk := list(islice(rows, CHUNK)):
        connection.execute(insert(STAGE), chunk)
        done += len(chunk)
        progress(done, total)


def _carry_over(session: Session, actor: Actor, now: dt.datetime) -> None:
    is_new = STAGE.c.is_new.is_(True)
    status = literal(CollectionStatus.NOT_UPLOADED, ENROLMENT.c.collection_status.type)
    session.execute(
        insert(ENROLMENT).from_select(
            [*INSERTED, "collection_status"],
            select(*(STAGE.c[name] for name in INSERTED), status).where(is_new),
        )
    )
    history: Any = StatusChange.__table__
    values = {
        "id": STAGE.c.change_id,
        "enrolment_id": STAGE.c.id,
        "at": literal(now, history.c.at.type),
        "to_status": literal(CollectionStatus.NOT_UPLOADED, history.c.to_status.type),
        "event": literal(Event.IMPORTED.value, history.c.event.type),
        "actor_kind": literal(actor.kind, history.c.actor_kind.type),
        "actor_id": literal(actor.id, history.c.actor_id.type),
        "reason": literal("", history.c.reason.type),
    }
    session.execute(
        insert(history).from_select(list(values), select(*values.values()).where(is_new))
    )
    session.execute(
        update(ENROLMENT)
        .where(ENROLMENT.c.id == STAGE.c.id, STAGE.c.is_new.is_(False))
        .values({name: STAGE.c[name] for name in ("updated_at", *UPDATED)})
    )
