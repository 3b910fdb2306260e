"""The students list: filters, search by prefix, and keyset paging that stays quick at 100,000."""

from __future__ import annotations

import dataclasses
import datetime as dt
import time
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Integer, Row, Select, func, literal_column, select
from sqlalchemy.orm import InstrumentedAttribute, Session

from models import (
    NO_BATCH_LABEL,
    REGISTERED,
    Batch,
    CollectionStatus,
    Enrolment,
    LearningCentre,
    Role,
)
from server.context import Context
from server.services.staff_viewer import Viewer, list_scope

PAGE_SIZE = 50
COUNT_LIMIT = 10_000
"""Matches are counted up to here: an exact count of everything would cost a scan a page."""
MISSING = (CollectionStatus.NOT_UPLOADED, CollectionStatus.REUPLOAD_REQUIRED)
LEVELS_KEPT_S = 60.0
LAST_CHARACTER = "\U0010ffff"


@dataclass(frozen=True)
class StudentFilter:
    """What the list shows. An empty value filters nothing.

    ``batch`` is a date or 0000-00-00. ``after`` and ``before`` are 学号: the keyset.
    """

    status: str = ""
    batch: str = ""
    register: str = ""
    centre: str = ""
    level: str = ""
    text: str = ""
    only_missing: bool = False
    """Only those in register who have to act: nothing uploaded yet, or sent back."""
    after: str = ""
    before: str = ""


@dataclass(frozen=True)
class StudentRow:
    """One line of the list."""

    id: uuid.UUID
    student_no: str
    name: str
    level: str
    major: str
    centre: str
    register_status: str
    status: CollectionStatus
    batch: str
    uploaded_at: dt.datetime | None


@dataclass(frozen=True)
class StudentPage:
    """One page of the list. ``before`` and ``after`` are the keys of its neighbours, or empty."""

    rows: list[StudentRow]
    before: str
    after: str
    count: int

    @property
    def count_text(self) -> str:
        """The number of matches as shown."""
        return f"{COUNT_LIMIT} 以上" if self.count > COUNT_LIMIT else str(self.count)


def list_students(ctx: Context, viewer: Viewer, wanted: StudentFilter) -> StudentPage:
    """Return one page of the viewer's students in the order of 学号."""
    with ctx.db.read() as session:
        conditions = list_conditions(session, viewer, wanted)
        names = _Names(session, viewer.institution_id)
        rows = [names.make_row(row) for row in session.execute(_page_query(conditions, wanted))]
        count = session.scalar(count_query(conditions)) or 0
    return _cut_page(rows, wanted, count)


def list_conditions(
    session: Session, viewer: Viewer, wanted: StudentFilter
) -> list[ColumnElement[bool]]:
    """Return the WHERE of a filter, the viewer's scope first."""
    conditions = list_scope(viewer)
    if wanted.status in {status.value for status in CollectionStatus}:
        conditions.append(Enrolment.collection_status == CollectionStatus(wanted.status))
    if wanted.batch:
        conditions.append(_match_batch(session, viewer, wanted.batch))
    if wanted.register:
        conditions.append(Enrolment.register_status == wanted.register)
    if wanted.centre:
        conditions.append(Enrolment.centre_id == _parse_id(wanted.centre))
    if wanted.level:
        conditions.append(Enrolment.level == wanted.level)
    if wanted.only_missing:
        conditions.append(Enrolment.collection_status.in_(MISSING))
        conditions.append(Enrolment.register_status == REGISTERED)
    if wanted.text:
        is_number = any(character.isdigit() for character in wanted.text)
        column = Enrolment.student_no if is_number else Enrolment.name
        conditions.append(_starts_with(session, column, wanted.text))
    return conditions


def count_query(conditions: list[ColumnElement[bool]]) -> Select[int]:
    """Return the query that counts matches, up to COUNT_LIMIT + 1."""
    # A constant instead of the id: then an index alone can answer.
    one = literal_column("1", Integer)
    some = select(one).select_from(Enrolment).where(*conditions).limit(COUNT_LIMIT + 1)
    return select(func.count()).select_from(some.subquery())


def _page_query(
    conditions: list[ColumnElement[bool]], wanted: StudentFilter
) -> Select[*tuple[Any, ...]]:
    query = select(
        Enrolment.id,
        Enrolment.student_no,
        Enrolment.name,
        Enrolment.level,
        Enrolment.major,
        Enrolment.centre_id,
        Enrolment.register_status,
        Enrolment.collection_status,
        Enrolment.batch_id,
        Enrolment.uploaded_at,
    ).where(*conditions)
    if wanted.before:
        query = query.where(Enrolment.student_no < wanted.before)
        return query.order_by(Enrolment.student_no.desc()).limit(PAGE_SIZE + 1)
    if wanted.after:
        query = query.where(Enrolment.student_no > wanted.after)
    return query.order_by(Enrolment.student_no).limit(PAGE_SIZE + 1)


def _cut_page(rows: list[StudentRow], wanted: StudentFilter, count: int) -> StudentPage:
    has_more = len(rows) > PAGE_SIZE
    rows = rows[:PAGE_SIZE]
    if wanted.before:
        rows.reverse()
    has_before = has_more if wanted.before else bool(wanted.after)
    has_after = bool(wanted.before) or has_more
    return StudentPage(
        rows=rows,
        before=rows[0].student_no if rows and has_before else "",
        after=rows[-1].student_no if rows and has_after else "",
        count=count,
    )


def stream_students(ctx: Context, viewer: Viewer, wanted: StudentFilter) -> Iterator[StudentRow]:
    """Yield every match, a page at a time, so that a long list takes no memory."""
    while True:
        page = list_students(ctx, viewer, wanted)
        yield from page.rows
        if not page.after:
            return
        wanted = dataclasses.replace(wanted, after=page.after, before="")


class _Names:
    """The names of centres and batches: a few rows, so that the list needs no joins."""

    def __init__(self, session: Session, institution_id: uuid.UUID) -> None:
        self._centres = {
            row.id: row.name
            for row in session.execute(
                select(LearningCentre.id, LearningCentre.name).where(
                    LearningCentre.institution_id == institution_id
                )
            )
        }
        self._batches = {
            row.id: row.date.isoformat()
            for row in session.execute(
                select(Batch.id, Batch.date).where(Batch.institution_id == institution_id)
            )
        }

    def make_row(self, row: Row[Any]) -> StudentRow:
        """Return the line of one database row."""
        return StudentRow(
            id=row.id,
            student_no=row.student_no,
            name=row.name,
            level=row.level,
            major=row.major,
            centre=self._centres.get(row.centre_id, ""),
            register_status=row.register_status,
            status=row.collection_status,
            batch=self._batches.get(row.batch_id, NO_BATCH_LABEL),
            uploaded_at=row.uploaded_at,
        )


def _match_batch(session: Session, viewer: Viewer, text: str) -> ColumnElement[bool]:
    if text == NO_BATCH_LABEL:
        return Enrolment.batch_id.is_(None)
    try:
        date = dt.date.fromisoformat(text)
    except ValueError:
        return Enrolment.batch_id == uuid.UUID(int=0)
    batch_id = session.scalar(
        select(Batch.id).where(Batch.institution_id == viewer.institution_id, Batch.date == date)
    )
    return Enrolment.batch_id == (batch_id or uuid.UUID(int=0))


def _starts_with(
    session: Session, column: InstrumentedAttribute[str], text: str
) -> ColumnElement[bool]:
    if session.get_bind().dialect.name == "sqlite":
        # LIKE ignores case in SQLite and so cannot use the index; the range can.
        return (column >= text) & (column < text + LAST_CHARACTER)
    condition = column.startswith(text, autoescape=True)
    if text.isascii() and text.isdigit():
        # Digits have one order in every collation: the list's index begins and ends at the match.
        condition &= column >= text
        if text.strip("9"):
            condition &= column < _increment(text)
    return condition


def _increment(digits: str) -> str:
    """Return the smallest text of digits after all that begin with ``digits``: 2029 -> 203."""
    kept = digits.rstrip("9")
    return kept[:-1] + str(int(kept[-1]) + 1)


def _parse_id(text: str) -> uuid.UUID:
    try:
        return uuid.UUID(text)
    except ValueError:
        return uuid.UUID(int=0)


@dataclass(frozen=True)
class FilterChoices:
    """What the filters of the list offer: (value, text)."""

    centres: list[tuple[str, str]]
    batches: list[tuple[str, str]]
    levels: list[str]


_levels: dict[uuid.UUID, tuple[float, list[str]]] = {}


def list_choices(ctx: Context, viewer: Viewer) -> FilterChoices:
    """Return the choices of the viewer's filters."""
    with ctx.db.read() as session:
        centres = select(LearningCentre.id, LearningCentre.name).where(
            LearningCentre.institution_id == viewer.institution_id
        )
        if viewer.role is Role.CENTRE:
            centres = centres.where(LearningCentre.id == viewer.centre_id)
        batches = (
            select(Batch.date)
            .where(Batch.institution_id == viewer.institution_id)
            .order_by(Batch.date.desc())
        )
        return FilterChoices(
            centres=[
                (str(row.id), row.name)
                for row in session.execute(centres.order_by(LearningCentre.name))
            ],
            batches=[(date.isoformat(), date.isoformat()) for date in session.scalars(batches)],
            levels=_list_levels(session, viewer.institution_id),
        )


def _list_levels(session: Session, institution_id: uuid.UUID) -> list[str]:
    """Levels change with a roster import only: reading them scans, so they are kept a minute."""
    known = _levels.get(institution_id)
    if known is None or time.monotonic() - known[0] > LEVELS_KEPT_S:
        found = session.scalars(
            select(Enrolment.level)
            .where(Enrolment.institution_id == institution_id, Enrolment.level != "")
            .distinct()
        )
        known = _levels[institution_id] = (time.monotonic(), sorted(found))
    return known[1]
