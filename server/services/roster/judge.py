"""Judges the rows of a roster one by one: faults refuse the list, warnings stop nothing."""

from __future__ import annotations

import datetime as dt
import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass, field

from models import REGISTER_STATUSES
from server.services.id_numbers import (
    find_id_number_fault,
    is_foreign_document,
    normalise_id_number,
)
from server.services.names import fold_name
from server.services.roster.columns import REQUIRED_COLUMNS
from server.services.roster.read import RosterRow
from server.services.roster.spoiled import EXACT_COLUMNS
from server.services.roster.waive import COLUMN as WAIVER
from server.services.roster.waive import find_waiver_fault

MAX_LENGTHS = {
    "学号": 32,
    "姓名": 60,
    "层次": 40,
    "专业": 80,
    "学习中心": 100,
    "入学批次": 40,
    "预计毕业": 40,
    "班级": 60,
    "考场": 40,
    "座位号": 20,
    "手机号": 40,
}
LOST = re.compile("[?�□▯〓]")
PRIVATE_USE = "Co"
MOBILE = re.compile(r"1\d{10}")


@dataclass(frozen=True)
class RowFault:
    """What is wrong, or odd, with one row, in plain Chinese."""

    number: int
    column: str
    message: str


@dataclass
class Judge:
    """Judges rows in their order and remembers which numbers it has seen."""

    today: dt.date
    _rows_of_numbers: dict[str, int] = field(default_factory=dict)
    _people: dict[str, RosterRow] = field(default_factory=dict)

    def find_faults(self, row: RosterRow) -> Iterator[RowFault]:
        """Return what refuses the list because of this row."""
        values = row.values
        for column in REQUIRED_COLUMNS:
            if not values.get(column):
                yield RowFault(row.number, column, f"{column}是空的")
        for column, limit in MAX_LENGTHS.items():
            if len(values.get(column, "")) > limit:
                yield RowFault(row.number, column, f"{column}超过 {limit} 个字")
        for column in EXACT_COLUMNS:
            if column in row.spoiled:
                yield RowFault(row.number, column, row.spoiled[column])
        yield from self._find_repeated_number(row)
        name_faults = list(_find_name_faults(row))
        yield from name_faults
        if "身份证号" not in row.spoiled and values.get("身份证号"):
            yield from self._find_id_number_faults(row, is_name_known=not name_faults)
        status = values.get("学籍状态", "")
        if status and status not in REGISTER_STATUSES:
            allowed = "、".join(REGISTER_STATUSES)
            yield RowFault(row.number, "学籍状态", f"学籍状态应为 {allowed} 之一")
        waiver_fault = find_waiver_fault(values.get(WAIVER, ""))
        if waiver_fault is not None:
            yield RowFault(row.number, WAIVER, waiver_fault)

    def find_warnings(self, row: RosterRow) -> Iterator[RowFault]:
        """Return what somebody should look at; to be asked after ``find_faults``."""
        id_number = normalise_id_number(row.values.get("身份证号", ""))
        if is_foreign_document(id_number):
            yield RowFault(
                row.number, "身份证号", "不是中国的身份证或通行证，无法核对，请确认没有写错"
            )
        other = self._people.get(id_number)
        if other is not None and not _are_same_person(row, other):
            yield RowFault(
                row.number,
                "身份证号",
                f"身份证号与第 {other.number} 行相同而姓名不同；"
                "这些行里有看不见的字符，已去掉，请人工核对",
            )
        phone = normalise_phone(row.values.get("手机号", ""))
        if phone and "手机号" not in row.spoiled and not MOBILE.fullmatch(phone):
            yield RowFault(row.number, "手机号", "不是 11 位手机号，提醒短信发不到")
        if any(unicodedata.category(one) == PRIVATE_USE for one in row.values.get("姓名", "")):
            yield RowFault(row.number, "姓名", "姓名里有造字，可能显示不出来，请核对")

    def _find_repeated_number(self, row: RosterRow) -> Iterator[RowFault]:
        student_no = row.values.get("学号", "")
        if student_no in self._rows_of_numbers and "学号" not in row.spoiled:
            first = self._rows_of_numbers[student_no]
            yield RowFault(row.number, "学号", f"学号与第 {first} 行重复")
        elif student_no:
            self._rows_of_numbers[student_no] = row.number

    def _find_id_number_faults(self, row: RosterRow, *, is_name_known: bool) -> Iterator[RowFault]:
        id_number = normalise_id_number(row.values["身份证号"])
        fault = find_id_number_fault(id_number, self.today)
        if fault is not None:
            yield RowFault(row.number, "身份证号", fault)
        if fault is not None or not is_name_known:
            return
        other = self._people.setdefault(id_number, row)
        # A row that came with unseen characters was put together from elsewhere: what differs
        # may be what we cannot see. It is a warning, for people to decide.
        if not (_are_same_person(row, other) or row.was_cleaned or other.was_cleaned):
            yield RowFault(
                row.number, "身份证号", f"身份证号与第 {other.number} 行相同，姓名却不同"
            )


def normalise_phone(typed: str) -> str:
    """Return a phone number half-width, without spaces, hyphens and the prefix of China."""
    digits = re.sub(r"[\s()-]", "", unicodedata.normalize("NFKC", typed))
    return re.sub(r"^(\+|00)?86(?=1\d{10}$)", "", digits)


def _find_name_faults(row: RosterRow) -> Iterator[RowFault]:
    name = unicodedata.normalize("NFKC", row.values.get("姓名", ""))
    if LOST.search(name):
        yield RowFault(
            row.number, "姓名", "姓名里有问号或方框：原来的字已丢失，请从学籍系统重新导出"
        )
    elif "*" in name:
        yield RowFault(row.number, "姓名", "姓名被星号遮盖，请填写完整的姓名")


def _are_same_person(row: RosterRow, other: RosterRow) -> bool:
    return fold_name(row.values.get("姓名", "")) == fold_name(other.values.get("姓名", ""))
