"""Roster import, first half: what importing a file would do (errors per row, new, changed).

Importing again updates what the roster says of a student and never touches the collection state.
``write_roster`` carries a plan out.
"""

from __future__ import annotations

import hashlib
import unicodedata
import uuid
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from models import (
    REGISTERED,
    Enrolment,
    FeeWaiver,
    FieldCipher,
    LearningCentre,
    describe_place,
    index_id_number,
)
from server.context import Context
from server.gateways.clock import to_local
from server.services.id_numbers import normalise_id_number
from server.services.names import fold_name, normalise_name
from server.services.roster.judge import Judge, RowFault, normalise_phone
from server.services.roster.read import Roster, RosterRow
from server.services.roster.waive import COLUMN as WAIVER
from server.services.student.release import needs_confirmation

CHUNK = 2_000
TEXT_FIELDS = {
    "姓名": "name",
    "层次": "level",
    "专业": "major",
    "入学批次": "intake",
    "预计毕业": "expected_term",
    "学籍状态": "register_status",
    "班级": "class_name",
    "考场": "exam_room",
    "座位号": "seat_no",
}
NOTHING = "（空）"
HIDDEN = "（不显示）"
Progress = Callable[[int, int], None]


@dataclass(frozen=True)
class Student:
    """One row that passed, in the stored forms. ``fields`` holds the columns of the file only."""

    number: int
    student_no: str
    id_number: str
    centre: str
    fields: dict[str, str]
    phone: str | None
    """None where the file has no such column: the number that we have stays."""
    waiver: str = ""
    """Why the fee is forgiven; nothing where the file does not say so."""


@dataclass(frozen=True)
class Change:
    """One student whose row differs from what we have."""

    number: int
    student_no: str
    differences: list[tuple[str, str, str]]
    """Column, old and new value as people may see them: ID numbers are only named."""
    row_id: uuid.UUID
    has_photo: bool
    """A photo was submitted: another person's name or number on it deserves a second look."""
    phone_encrypted: bytes | None
    """The phone number that we have."""
    is_replaced: bool
    """Another person, name and ID number, under a 学号 that somebody has bound, paid or used."""

    @property
    def columns(self) -> list[str]:
        """The columns that differ."""
        return [column for column, _, _ in self.differences]


@dataclass
class ImportPlan:
    """What an import would do."""

    faults: list[RowFault] = field(default_factory=list)
    warnings: list[RowFault] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    """What the file's sender may not know of it: hidden rows, sheets that were not read."""
    new: list[Student] = field(default_factory=list)
    changed: list[tuple[Change, Student]] = field(default_factory=list)
    unchanged_count: int = 0
    new_centres: list[str] = field(default_factory=list)
    register_moves: Counter[tuple[str, str]] = field(default_factory=Counter)
    """学籍状态 before and after, and how many students."""

    @property
    def replaced(self) -> list[Change]:
        """The rows that somebody must confirm one by one."""
        return [change for change, _ in self.changed if change.is_replaced]

    @property
    def waived(self) -> dict[str, str]:
        """Why the fee is forgiven, by 学号, of those whose fee this import forgives."""
        new = {one.student_no: one.waiver for one in self.new if one.waiver}
        return new | {
            change.student_no: student.waiver
            for change, student in self.changed
            if WAIVER in change.columns
        }

    @property
    def fingerprint(self) -> str:
        """Equal for plans that do the same to the same students."""
        parts = [f"+{student.student_no}" for student in self.new]
        parts += [f"~{change.student_no}:{change.differences}" for change, _ in self.changed]
        parts += [f"@{name}" for name in self.new_centres]
        parts += [f"!{student_no}" for student_no in self.waived]
        return hashlib.sha256("\n".join(parts).encode()).hexdigest()


def show_nothing(done: int, total: int) -> None:
    """Report to nobody."""


def plan_import(
    ctx: Context,
    institution_id: uuid.UUID,
    roster: Roster,
    *,
    can_create_centres: bool,
    progress: Progress = show_nothing,
) -> ImportPlan:
    """Return what importing a roster would do; changes nothing."""
    plan = ImportPlan(notes=list(roster.notes))
    with ctx.db.read() as session:
        college = _College.load(session, institution_id, ctx.cipher)
    judge = Judge(to_local(ctx.now()).date())
    listed = {row.values["学号"] for row in roster.rows}
    total = len(roster.rows)
    for done, row in enumerate(roster.rows, start=1):
        faults = list(judge.find_faults(row))
        centre = college.name_centre(row.values.get("学习中心", ""))
        if centre and not college.has_centre(centre) and not can_create_centres:
            faults.append(RowFault(row.number, "学习中心", f"没有学习中心“{centre[:40]}”"))
        if not faults:
            student = _make_student(row, centre)
            faults += college.find_person_faults(student, listed)
            _sort_in(plan, student, college)
        plan.faults.extend(faults)
        plan.warnings.extend(judge.find_warnings(row))
        if done % CHUNK == 0 or done == total:
            progress(done, total)
    return plan


@dataclass
class _College:
    """What the institution has: its students by 学号, and its learning centres."""

    students: dict[str, Any]
    centres: dict[str, str]
    """Learning centres by their name in one form of letters."""
    cipher: FieldCipher
    people: dict[bytes, list[Any]]
    """Students by the index of their ID number."""
    waived: set[uuid.UUID]
    """Whose fee was forgiven before."""

    @classmethod
    def load(cls, session: Session, institution_id: uuid.UUID, cipher: FieldCipher) -> _College:
        students = _load_students(session, institution_id)
        names = session.scalars(
            select(LearningCentre.name).where(LearningCentre.institution_id == institution_id)
        )
        people = defaultdict(list)
        for row in students.values():
            people[row.id_number_index].append(row)
        waived = session.scalars(
            select(FeeWaiver.enrolment_id).where(FeeWaiver.institution_id == institution_id)
        )
        centres = {_fold(name): name for name in names}
        return cls(students, centres, cipher, people, set(waived))

    def name_centre(self, typed: str) -> str:
        """Return the name that we have for a centre, whatever width its letters were typed in."""
        return self.centres.get(_fold(typed), typed)

    def has_centre(self, name: str) -> bool:
        return _fold(name) in self.centres

    def find_person_faults(self, student: Student, listed: set[str]) -> Iterator[RowFault]:
        """One ID number, two names: this row against students whom the file does not list."""
        present = self.students.get(student.student_no)
        index = index_id_number(student.id_number, self.cipher)
        name = student.fields["name"]
        if present is not None and (present.name, present.id_number_index) == (name, index):
            return
        others = [one for one in self.people.get(index, ()) if one.student_no not in listed]
        if others and all(fold_name(one.name) != fold_name(name) for one in others):
            yield RowFault(
                student.number,
                "身份证号",
                f"身份证号与系统中学号 {others[0].student_no} 的相同，姓名却不同",
            )


def _fold(name: str) -> str:
    return "".join(unicodedata.normalize("NFKC", name).split())


def decrypt_phone(present: Any, cipher: FieldCipher) -> str:
    """Return the phone number of a row that was loaded without its model."""
    if present.phone_encrypted is None:
        return ""
    place = describe_place("enrolment", "phone_encrypted", present.id)
    return cipher.decrypt(present.phone_encrypted, place=place)


def _load_students(session: Session, institution_id: uuid.UUID) -> dict[str, Any]:
    columns = [getattr(Enrolment, name) for name in TEXT_FIELDS.values()]
    query = (
        select(
            Enrolment.id,
            Enrolment.student_no,
            Enrolment.id_number_index,
            Enrolment.photo_id,
            Enrolment.wechat_user_id,
            Enrolment.fee_settled_at,
            Enrolment.phone_encrypted,
            LearningCentre.name.label("centre"),
            *columns,
        )
        .join(LearningCentre, LearningCentre.id == Enrolment.centre_id)
        .where(Enrolment.institution_id == institution_id)
    )
    return {row.student_no: row for row in session.execute(query)}


def _make_student(row: RosterRow, centre: str) -> Student:
    fields = {
        name: row.values[column] for column, name in TEXT_FIELDS.items() if column in row.values
    }
    fields["name"] = normalise_name(fields["name"])
    if not fields.get("register_status"):
        # An empty 学籍状态 says nothing: nobody comes back from 休学 by it.
        fields.pop("register_status", None)
    return Student(
        number=row.number,
        student_no=row.values["学号"],
        id_number=normalise_id_number(row.values["身份证号"]),
        centre=centre,
        fields=fields,
        phone=normalise_phone(row.values["手机号"]) if "手机号" in row.values else None,
        waiver=row.values.get(WAIVER, ""),
    )


def _sort_in(plan: ImportPlan, student: Student, college: _College) -> None:
    if not college.has_centre(student.centre):
        plan.new_centres.append(student.centre)
        college.centres[_fold(student.centre)] = student.centre
    present = college.students.get(student.student_no)
    if present is None:
        student.fields.setdefault("register_status", REGISTERED)
        for name in TEXT_FIELDS.values():
            student.fields.setdefault(name, "")
        plan.new.append(student)
        return
    differences = _compare(present, student, college.cipher)
    if student.waiver and present.id not in college.waived:
        if present.fee_settled_at is None:
            differences.append((WAIVER, NOTHING, HIDDEN))
        else:
            plan.warnings.append(
                RowFault(student.number, WAIVER, "费用已缴清，不再减免；要退还请办理退款")
            )
    if not differences:
        plan.unchanged_count += 1
        return
    change = Change(
        number=student.number,
        student_no=student.student_no,
        differences=differences,
        row_id=present.id,
        has_photo=present.photo_id is not None,
        phone_encrypted=present.phone_encrypted,
        is_replaced=needs_confirmation(present)
        and {"姓名", "身份证号"} <= {column for column, _, _ in differences},
    )
    if "学籍状态" in change.columns:
        plan.register_moves[present.register_status, student.fields["register_status"]] += 1
    for name in TEXT_FIELDS.values():
        student.fields.setdefault(name, getattr(present, name))
    plan.changed.append((change, student))


def _compare(present: Any, student: Student, cipher: FieldCipher) -> list[tuple[str, str, str]]:
    differences = [
        (column, getattr(present, name) or NOTHING, student.fields[name] or NOTHING)
        for column, name in TEXT_FIELDS.items()
        if name in student.fields and getattr(present, name) != student.fields[name]
    ]
    if present.id_number_index != index_id_number(student.id_number, cipher):
        differences.append(("身份证号", HIDDEN, HIDDEN))
    if student.phone is not None and student.phone != decrypt_phone(present, cipher):
        differences.append(("手机号", HIDDEN, HIDDEN if student.phone else NOTHING))
    if present.centre != student.centre:
        differences.append(("学习中心", present.centre, student.centre))
    return differences
