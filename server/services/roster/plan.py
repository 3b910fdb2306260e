"""Roster import, first half: what importing a file would do (errors per row, new, changed).

Importing again updates what the roster says of a student and never touches the collection state.
``write_roster`` carries a plan out.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import uuid
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from models import (
    REGISTER_STATUSES,
    REGISTERED,
    Enrolment,
    FieldCipher,
    LearningCentre,
    index_id_number,
)
from server.context import Context
from server.gateways.clock import to_local
from server.services.id_numbers import find_id_number_fault, normalise_id_number, normalise_name
from server.services.read_roster import EXACT_DIGITS, RosterRow

CHUNK = 2_000
MAX_LENGTHS = {
    "学号": 32,
    "姓名": 60,
    "层次": 40,
    "专业": 80,
    "学习中心": 100,
    "入学批次": 40,
    "预计毕业": 40,
}
TEXT_FIELDS = {
    "姓名": "name",
    "层次": "level",
    "专业": "major",
    "入学批次": "intake",
    "预计毕业": "expected_term",
    "学籍状态": "register_status",
}
Progress = Callable[[int, int], None]


@dataclass(frozen=True)
class RowFault:
    """What is wrong with one row, in plain Chinese."""

    number: int
    column: str
    message: str


@dataclass(frozen=True)
class Student:
    """One row that passed, in the stored forms."""

    number: int
    student_no: str
    id_number: str
    centre: str
    fields: dict[str, str]


@dataclass(frozen=True)
class Change:
    """One student whose row differs from what we have. ID numbers are only named."""

    number: int
    student_no: str
    columns: list[str]
    row_id: uuid.UUID
    has_photo: bool
    """A photo was submitted: another person's name or number on it deserves a second look."""


@dataclass
class ImportPlan:
    """What an import would do."""

    faults: list[RowFault] = field(default_factory=list)
    new: list[Student] = field(default_factory=list)
    changed: list[tuple[Change, Student]] = field(default_factory=list)
    unchanged_count: int = 0
    new_centres: list[str] = field(default_factory=list)
    register_moves: Counter[tuple[str, str]] = field(default_factory=Counter)
    """学籍状态 before and after, and how many students."""

    @property
    def fingerprint(self) -> str:
        """Equal for plans that do the same to the same students."""
        parts = [f"+{student.student_no}" for student in self.new]
        parts += [f"~{change.student_no}:{change.columns}" for change, _ in self.changed]
        parts += [f"@{name}" for name in self.new_centres]
        return hashlib.sha256("\n".join(parts).encode()).hexdigest()


def show_nothing(done: int, total: int) -> None:
    """Report to nobody."""


def plan_import(
    ctx: Context,
    institution_id: uuid.UUID,
    rows: list[RosterRow],
    *,
    can_create_centres: bool,
    progress: Progress = show_nothing,
) -> ImportPlan:
    """Return what importing ``rows`` would do; changes nothing."""
    plan = ImportPlan()
    with ctx.db.read() as session:
        known = _load_known(session, institution_id)
        centres = set(
            session.scalars(
                select(LearningCentre.name).where(LearningCentre.institution_id == institution_id)
            )
        )
    seen: dict[str, int] = {}
    today = to_local(ctx.now()).date()
    for done, row in enumerate(rows, start=1):
        faults = list(_find_faults(row, today, seen))
        centre = row.values.get("学习中心", "")
        if centre and centre not in centres and not can_create_centres:
            faults.append(RowFault(row.number, "学习中心", f"没有学习中心“{centre[:40]}”"))
        plan.faults.extend(faults)
        if not faults:
            _sort_in(plan, _make_student(row), known, centres, ctx.cipher)
        if done % CHUNK == 0 or done == len(rows):
            progress(done, len(rows))
    return plan


def _load_known(session: Session, institution_id: uuid.UUID) -> dict[str, Any]:
    columns = [getattr(Enrolment, name) for name in TEXT_FIELDS.values()]
    query = (
        select(
            Enrolment.id,
            Enrolment.student_no,
            Enrolment.id_number_index,
            Enrolment.photo_id,
            LearningCentre.name.label("centre"),
            *columns,
        )
        .join(LearningCentre, LearningCentre.id == Enrolment.centre_id)
        .where(Enrolment.institution_id == institution_id)
    )
    return {row.student_no: row for row in session.execute(query)}


def _find_faults(row: RosterRow, today: dt.date, seen: dict[str, int]) -> Iterator[RowFault]:
    values = row.values
    for column in ("学号", "姓名", "身份证号", "学习中心"):
        if not values.get(column):
            yield RowFault(row.number, column, f"{column}是空的")
    for column, limit in MAX_LENGTHS.items():
        if len(values.get(column, "")) > limit:
            yield RowFault(row.number, column, f"{column}超过 {limit} 个字")
    student_no = values.get("学号", "")
    if student_no in seen:
        yield RowFault(row.number, "学号", f"学号与第 {seen[student_no]} 行重复")
    elif student_no:
        seen[student_no] = row.number
    yield from _find_id_number_faults(row, today)
    status = values.get("学籍状态", "")
    if status and status not in REGISTER_STATUSES:
        yield RowFault(row.number, "学籍状态", f"学籍状态应为 {'、'.join(REGISTER_STATUSES)} 之一")


def _find_id_number_faults(row: RosterRow, today: dt.date) -> Iterator[RowFault]:
    id_number = row.values.get("身份证号", "")
    if not id_number:
        return
    if "身份证号" in row.numeric and len(id_number) > EXACT_DIGITS:
        yield RowFault(
            row.number,
            "身份证号",
            "身份证号是数字格式,表格只保留 15 位,后几位已丢失:请把该列设为“文本”后重新填写",
        )
        return
    fault = find_id_number_fault(normalise_id_number(id_number), today)
    if fault is not None:
        yield RowFault(row.number, "身份证号", fault)


def _make_student(row: RosterRow) -> Student:
    fields = {name: row.values.get(column, "") for column, name in TEXT_FIELDS.items()}
    fields["name"] = normalise_name(fields["name"])
    fields["register_status"] = fields["register_status"] or REGISTERED
    return Student(
        number=row.number,
        student_no=row.values["学号"],
        id_number=normalise_id_number(row.values["身份证号"]),
        centre=row.values["学习中心"],
        fields=fields,
    )


def _sort_in(
    plan: ImportPlan,
    student: Student,
    known: dict[str, Any],
    centres: set[str],
    cipher: FieldCipher,
) -> None:
    if student.centre not in centres and student.centre not in plan.new_centres:
        plan.new_centres.append(student.centre)
    present = known.get(student.student_no)
    if present is None:
        plan.new.append(student)
        return
    columns = [
        column
        for column, name in TEXT_FIELDS.items()
        if getattr(present, name) != student.fields[name]
    ]
    if present.id_number_index != index_id_number(student.id_number, cipher):
        columns.append("身份证号")
    if present.centre != student.centre:
        columns.append("学习中心")
    if not columns:
        plan.unchanged_count += 1
        return
    if "学籍状态" in columns:
        plan.register_moves[present.register_status, student.fields["register_status"]] += 1
    change = Change(
        number=student.number,
        student_no=student.student_no,
        columns=columns,
        row_id=present.id,
        has_photo=present.photo_id is not None,
    )
    plan.changed.append((change, student))
