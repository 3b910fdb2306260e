"""The students list: filters, search by prefix, and keyset paging that stays quick at 100,000."""

from __future__ import annotations

import dataclasses
import datetime as dt
import time
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Integer, Row, Select, func, literal_column, or_, select
from sqlalchemy.orm import InstrumentedAttribute, Session

from models import (
    NO_BATCH_LABEL,
    REGISTERED,
    Batch,
    CollectionStatus,
    Enrolment,
    LearningCentre,
    Photo,
    Role,
)
from server.context import Context
from server.services.chsi.overview import match_group
from server.services.collection import WAITING
from server.services.names import normalise_name, normalise_student_no
from server.services.overview.behind_figures import match_day, match_reason, match_rule
from server.services.overview.why_missing import why_column
from server.services.paging import COUNT_LIMIT, Page, cut_page
from server.services.viewer import Viewer, list_scope

PAGE_SIZE = 50
GROUPS = {
    "waiting": "等待审核",
    "missing": "未完成",
    "counted": "计入进度（在籍或已采集）",
    "left": "非在籍，不采集",
}
"""Groups of students by status and 学籍状态, as the dashboard counts them."""
MISSING = (CollectionStatus.NOT_UPLOADED, CollectionStatus.REUPLOAD_REQUIRED)
LEVELS_KEPT_S = 60.0
LAST_CHARACTER = "\U0010ffff"


@dataclass(frozen=True)
class StudentFilter:
    """What the list shows. An empty value filters nothing.

    ``status`` is a status or one of GROUPS. ``batch`` is a date or 0000-00-00.
    ``after`` and ``before`` are 学号: the keyset.
    """

    status: str = ""
    batch: str = ""
    register: str = ""
    centre: str = ""
    level: str = ""
    text: str = ""
    only_missing: bool = False
    """Only those in register who have to act: nothing uploaded yet, or sent back."""
    why: str = ""
    """Among the missing: one of ``overview.missing.Why``."""
    phone: str = ""
    """``none``: without a phone number; ``known``: with one."""
    class_name: str = ""
    rule: str = ""
    """The code of a rule of the check that stopped them since ``figures_since``."""
    reason: str = ""
    """A reviewer's reason for sending their photo back since ``figures_since``."""
    uploaded_on: str = ""
    collected_on: str = ""
    figures_since: dt.datetime | None = None
    id_number_index: bytes = b""
    """Students with this ID number; it comes from a form and is in no address."""
    chsi: str = ""
    """By 图像采集码: one of ``chsi.overview.GROUPS``."""
    photo_number: str = ""
    """A whole 照片编号, for those who may see both."""
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
    photo_number: str
    face_id: uuid.UUID | None = None
    """The photo that counts, where there is a standard picture of it."""


def list_students(ctx: Context, viewer: Viewer, wanted: StudentFilter) -> Page[StudentRow, str]:
    """Return one page of the viewer's students in the order of 学号."""
    with ctx.db.read() as session:
        conditions = list_conditions(session, viewer, wanted, ctx.now())
        names = _Names(session, viewer.institution_id)
        rows = [names.make_row(row) for row in session.execute(_page_query(conditions, wanted))]
        rows = _add_faces(session, rows)
        count = session.scalar(_count_query(conditions)) or 0
    return cut_page(
        rows,
        PAGE_SIZE,
        lambda row: row.student_no,
        before=wanted.before,
        after=wanted.after,
        count=count,
    )


def _add_faces(session: Session, rows: list[StudentRow]) -> list[StudentRow]:
    found = session.execute(
        select(Enrolment.id, Photo.id.label("photo_id"))
        .join(Photo, Photo.id == Enrolment.photo_id)
        .where(Enrolment.id.in_([row.id for row in rows]), Photo.standard_key.is_not(None))
    )
    faces = {row.id: row.photo_id for row in found}
    return [dataclasses.replace(row, face_id=faces.get(row.id)) for row in rows]


def list_conditions(
    session: Session, viewer: Viewer, wanted: StudentFilter, now: dt.datetime
) -> list[ColumnElement[bool]]:
    """Return the WHERE of a filter, the viewer's scope first."""
    conditions = [*list_scope(viewer), Enrolment.ended_at.is_(None)]
    if wanted.status in {status.value for status in CollectionStatus}:
        conditions.append(Enrolment.collection_status == CollectionStatus(wanted.status))
    if wanted.status in GROUPS:
        conditions.append(_match_group(wanted.status))
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
    conditions += _list_missing_conditions(wanted)
    conditions += _list_figure_conditions(session, wanted)
    conditions += _list_exact_conditions(wanted)
    conditions += match_group(session, viewer.institution_id, wanted.chsi, now)
    if wanted.text:
        conditions.append(_match_text(session, wanted.text))
    return conditions


def _list_exact_conditions(wanted: StudentFilter) -> list[ColumnElement[bool]]:
    """Return what a look-up by a whole number asks for."""
    conditions: list[ColumnElement[bool]] = []
    if wanted.id_number_index:
        conditions.append(Enrolment.id_number_index == wanted.id_number_index)
    if wanted.photo_number:
        conditions.append(Enrolment.photo_number == wanted.photo_number)
    return conditions


def _match_group(group: str) -> ColumnElement[bool]:
    is_registered = Enrolment.register_status == REGISTERED
    is_collected = Enrolment.collection_status == CollectionStatus.COLLECTED
    return {
        "waiting": is_registered & Enrolment.collection_status.in_(WAITING),
        "missing": is_registered & Enrolment.collection_status.in_(MISSING),
        "counted": is_registered | is_collected,
        "left": ~is_registered & ~is_collected,
    }[group]


def _match_text(session: Session, typed: str) -> ColumnElement[bool]:
    """Match 学号 or name by its beginning, as people write them: see ``services.names``."""
    if any(character.isdigit() for character in typed):
        return _starts_with(session, Enrolment.student_no, normalise_student_no(typed))
    name = normalise_name(typed)
    # Latin names stand in rosters in capitals or not; each form uses the index.
    forms = dict.fromkeys((name, name.upper(), name.title()))
    return or_(*(_starts_with(session, Enrolment.name, form) for form in forms))


def _list_missing_conditions(wanted: StudentFilter) -> list[ColumnElement[bool]]:
    """Return what narrows the missing down: why, phone, class."""
    conditions: list[ColumnElement[bool]] = []
    if wanted.why:
        conditions.append(why_column() == wanted.why)
    if wanted.phone in {"none", "known"}:
        has_none = Enrolment.phone_encrypted.is_(None)
        conditions.append(has_none if wanted.phone == "none" else ~has_none)
    if wanted.class_name:
        conditions.append(Enrolment.class_name == wanted.class_name)
    return conditions


def _list_figure_conditions(session: Session, wanted: StudentFilter) -> list[ColumnElement[bool]]:
    """Return what narrows to those whom a figure of the dashboard counts."""
    conditions: list[ColumnElement[bool]] = []
    since = wanted.figures_since or dt.datetime.min.replace(tzinfo=dt.UTC)
    if wanted.rule:
        conditions.append(match_rule(session, wanted.rule, since))
    if wanted.reason:
        conditions.append(match_reason(session, wanted.reason, since))
    if wanted.uploaded_on:
        conditions.append(match_day(Enrolment.uploaded_at, wanted.uploaded_on))
    if wanted.collected_on:
        conditions.append(match_day(Enrolment.collected_at, wanted.collected_on))
    return conditions


def _count_query(conditions: list[ColumnElement[bool]]) -> Select[int]:
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
        Enrolment.photo_number,
    ).where(*conditions)
    if wanted.before:
        query = query.where(Enrolment.student_no < wanted.before)
        return query.order_by(Enrolment.student_no.desc()).limit(PAGE_SIZE + 1)
    if wanted.after:
        query = query.where(Enrolment.student_no > wanted.after)
    return query.order_by(Enrolment.student_no).limit(PAGE_SIZE + 1)


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
            photo_number=row.photo_number,
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
            centres = centres.where(LearningCentre.id.in_(viewer.centre_ids))
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
