"""A student's time is over: nothing in rows, files and new backups names that person any more.

The table of periods says which fields end with the person, and how. The enrolment's row stays, for
orders and history that the law keeps point at it, but says nothing: its 学号 is a random mark, its
name is empty, its ID number is replaced. What others sealed about the person in the audit log goes
with the person's key.

Whoever has money on the way (an open order, a refund, held money) waits until that is settled.
"""

from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import Sequence

from sqlalchemy import (
    JSON,
    Column,
    ColumnElement,
    String,
    Table,
    and_,
    delete,
    exists,
    or_,
    select,
    update,
)
from sqlalchemy.orm import Session

from models import (
    Base,
    Batch,
    CollectionStatus,
    ConsentRecord,
    DeletionRecord,
    Enrolment,
    FeeWaiver,
    Institution,
    Order,
    OrderState,
    Photo,
    ProfilePhoto,
    QuarantinedPayment,
    Refund,
    RefundRequest,
    RefundRequestState,
    RefundState,
)
from models.photo_number import create_photo_number
from server.context import Context
from server.gateways.photo_store import hash_bytes
from server.services.compliance.period import AtEnd
from server.services.compliance.periods import list_tables
from server.services.photo.keep_file import delete_unreferenced
from server.services.upkeep.end_users import ENDED, end_users

PAGE = 100
DAYS_A_YEAR = 365.25
UNSETTLED_ORDERS = (OrderState.OPEN, OrderState.REFUNDING, OrderState.QUARANTINED)
UNSETTLED_REFUNDS = (RefundState.REQUESTED, RefundState.PROCESSING, RefundState.ABNORMAL)
MARKED = "sha256"
"""Of a photo: replaced, not emptied, for two of one enrolment must differ."""


def end_people(ctx: Context, *, is_dry: bool = False) -> int:
    """End everybody whose time is over, or with ``is_dry`` only count; owns its transactions."""
    with ctx.db.read() as session:
        years = dict(session.execute(select(Institution.id, Institution.kept_years)).all())
    count = 0
    for institution_id, kept_years in years.items():
        before = ctx.now() - dt.timedelta(days=DAYS_A_YEAR * kept_years)
        count += _end_of_institution(ctx, institution_id, before, is_dry=is_dry)
    if count and not is_dry:
        tidy_database(ctx)
    return count


def _end_of_institution(
    ctx: Context, institution_id: uuid.UUID, before: dt.datetime, *, is_dry: bool
) -> int:
    condition = and_(Enrolment.institution_id == institution_id, _is_over(before))
    with ctx.db.read() as session:
        ids = list(session.scalars(select(Enrolment.id).where(condition).order_by(Enrolment.id)))
    if is_dry:
        return len(ids)
    count = 0
    not_after = ctx.now() - dt.timedelta(seconds=ctx.settings.orphan_age_s)
    for start in range(0, len(ids), PAGE):
        with ctx.db.write() as session:
            query = select(Enrolment).where(Enrolment.id.in_(ids[start : start + PAGE]), condition)
            people = session.scalars(query.with_for_update()).all()
            keys = end_persons(ctx, session, people, reason="retention: person")
        count += len(people)
        for key in keys:
            delete_unreferenced(ctx, key, not_after=not_after)
    return count


def _is_over(before: dt.datetime) -> ColumnElement[bool]:
    batch_is_old = exists().where(Batch.id == Enrolment.batch_id, Batch.cutoff_at < before)
    is_collected = Enrolment.collection_status == CollectionStatus.COLLECTED
    return and_(
        Enrolment.ended_at.is_(None),
        Enrolment.updated_at < before,
        or_(~is_collected, batch_is_old),
        ~has_unsettled_money(),
    )


def has_unsettled_money() -> ColumnElement[bool]:
    """Return the condition on Enrolment that money is on its way: it needs its person."""
    order = Order.enrolment_id == Enrolment.id
    return or_(
        exists().where(order, Order.state.in_(UNSETTLED_ORDERS)),
        exists().where(order, Refund.order_id == Order.id, Refund.state.in_(UNSETTLED_REFUNDS)),
        exists().where(
            order,
            RefundRequest.order_id == Order.id,
            RefundRequest.state == RefundRequestState.REQUESTED,
        ),
        exists().where(
            order,
            QuarantinedPayment.order_id == Order.id,
            QuarantinedPayment.resolved_at.is_(None),
        ),
    )


def end_persons(
    ctx: Context, session: Session, people: Sequence[Enrolment], *, reason: str
) -> list[str]:
    """End these people, whose rows the caller has locked, in the caller's transaction.

    Returns the keys of the files that may go after the commit.
    """
    ids = [person.id for person in people]
    users = _find_users(session, people)
    photos = session.scalars(select(Photo).where(Photo.enrolment_id.in_(ids))).all()
    photo_ids = [photo.id for photo in photos]
    cuts = select(ProfilePhoto.file_key).where(ProfilePhoto.photo_id.in_(photo_ids))
    files = [key for photo in photos for key in (photo.original_key, photo.standard_key)]
    files += session.scalars(cuts).all()
    for person in people:
        _empty_enrolment(ctx, person)
    for photo in photos:
        photo.sha256 = hash_bytes(photo.id.bytes)
    session.flush()
    _end_tables(session, ids, photo_ids)
    for waiver in session.scalars(select(FeeWaiver).where(FeeWaiver.enrolment_id.in_(ids))):
        waiver.encrypt_reason("", ctx.cipher)
    session.flush()
    end_users(ctx, session, users)
    session.add_all(
        DeletionRecord(at=ctx.now(), subject_kind="enrolment", subject_id=str(one), reason=reason)
        for one in ids
    )
    return [key for key in dict.fromkeys(files) if key is not None]


def _find_users(session: Session, people: Sequence[Enrolment]) -> set[uuid.UUID]:
    """Return who holds these enrolments, or ever sent a photo, paid or agreed for them."""
    ids = [person.id for person in people]
    users = {person.wechat_user_id for person in people}
    for table in (Photo, Order, ConsentRecord):
        users |= set(session.scalars(select(table.user_id).where(table.enrolment_id.in_(ids))))
    return {user_id for user_id in users if user_id is not None}


def _empty_enrolment(ctx: Context, person: Enrolment) -> None:
    mark = f"{ENDED} {person.id}"
    person.student_no = f"{ENDED}-{person.id.hex[-20:]}"
    person.name = ""
    person.level = person.major = person.intake = person.expected_term = person.class_name = ""
    person.exam_room = person.seat_no = ""
    person.encrypt_id_number(mark, ctx.cipher)
    person.encrypt_phone("", ctx.cipher)
    person.photo_number = person.former_number = create_photo_number()
    person.consent_version = person.wechat_user_id = person.bound_at = None
    if person.collection_status is not CollectionStatus.COLLECTED:
        person.register_status = ""  # nobody counts as missing any more
    person.ended_at = ctx.now()


def _end_tables(session: Session, enrolments: list[uuid.UUID], photos: list[uuid.UUID]) -> None:
    """Delete or empty what the table of periods says, in every table of an enrolment or photo."""
    options = {"synchronize_session": False}
    for name in list_tables(AtEnd.ROW):
        table = Base.metadata.tables[name]
        session.execute(
            delete(table).where(_belongs(table, enrolments, photos)), execution_options=options
        )
    for name, columns in list_tables(AtEnd.EMPTY).items():
        table = Base.metadata.tables[name]
        if name == Enrolment.__tablename__:
            continue
        values = {one: _empty_value(table.columns[one]) for one in columns if one != MARKED}
        session.execute(
            update(table).where(_belongs(table, enrolments, photos)).values(values),
            execution_options=options,
        )
    session.expire_all()


def _belongs(
    table: Table, enrolments: list[uuid.UUID], photos: list[uuid.UUID]
) -> ColumnElement[bool]:
    if "enrolment_id" in table.columns:
        return table.columns["enrolment_id"].in_(enrolments)
    to_photos = [
        key.parent for key in table.foreign_keys if key.column.table.name == Photo.__tablename__
    ]
    return or_(*(column.in_(photos) for column in to_photos))


def _empty_value(column: Column[object]) -> object:
    if column.nullable:
        return None
    if isinstance(column.type, String):
        return ""
    if isinstance(column.type, JSON):
        return {}
    raise TypeError(f"{column} cannot be emptied: let its table lose the row")


def tidy_database(ctx: Context, *, is_whole: bool = False) -> None:
    """Let nothing of what was deleted lie in the log of SQLite; ``is_whole`` writes all anew.

    Deleted content is overwritten in the file itself (``secure_delete``). PostgreSQL's own vacuum
    frees the old rows; its archive of logs is the operator's.
    """
    if not ctx.db.is_sqlite:
        return
    # Not through a session: neither works within a transaction.
    raw = ctx.db.engine.raw_connection()
    try:
        for statement in (*(["VACUUM"] if is_whole else []), "PRAGMA wal_checkpoint(TRUNCATE)"):
            raw.cursor().execute(statement).close()
    finally:
        raw.close()
