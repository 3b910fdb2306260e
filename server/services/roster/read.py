"""Reads a roster file (csv, text, xlsx, xls) into rows of text, without judging the people in it.

The kind of file is known by its content, never by its name. What was lost in a cell before it
reached us is noted at the cell; what people do not see in the file is said in ``notes``.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from server.services.names import normalise_student_no
from server.services.roster.cleaning import clean_cell
from server.services.roster.columns import (
    COLUMNS,
    MAX_COLUMNS,
    MAX_ROWS,
    REQUIRED_COLUMNS,
    TERM_COLUMNS,
    RosterUnreadable,
)
from server.services.roster.header import Header, describe_unread, find_header
from server.services.roster.read_sheet import is_sheet, open_sheet
from server.services.roster.read_text import open_text
from server.services.roster.sheet_marks import SheetMarks
from server.services.roster.spoiled import EXACT_COLUMNS, find_rounded, find_spoiled
from server.sizes import MAX_ROSTER_BYTES

SHOWN_ROWS = 20
EMPTY = (None, "")
DAY_NOUGHT = dt.date(1899, 12, 30)
FIRST_DAY, LAST_DAY = 32874, 73051
"""Days of 1990 to 2099 as spreadsheets count them; no year and no ``202507`` is among them."""


@dataclass
class RosterRow:
    """One row as text. ``number`` is its row in the file.

    ``spoiled`` says by column why a cell is not what was typed. ``was_cleaned`` tells that
    characters that nobody sees stood in one of the cells that name the person.
    """

    number: int
    values: dict[str, str]
    spoiled: dict[str, str] = field(default_factory=dict)
    was_cleaned: bool = False


@dataclass
class Roster:
    """The rows of a file, and what its sender may not know of it. An absent column is in no row."""

    rows: list[RosterRow]
    notes: list[str] = field(default_factory=list)


def read_roster(data: bytes) -> Roster:
    """Return the roster of a file.

    Raises:
        RosterUnreadable: too large, damaged, no header, missing columns, too many rows.
    """
    if not data:
        raise RosterUnreadable("名单文件是空的")
    if len(data) > MAX_ROSTER_BYTES:
        raise RosterUnreadable("名单文件超过 30 MB")
    table = open_sheet(data) if is_sheet(data) else open_text(data)
    header, lines = find_header(table.lines)
    rows = list(_read_rows(lines, header, table.marks))
    if not rows:
        raise RosterUnreadable("名单文件里没有学生")
    _forget_empty_columns(rows)
    _spoil_rounded(rows)
    hidden = _describe_hidden(table.marks, header, rows)
    return Roster(rows, [*table.notes, *describe_unread(header), *hidden])


def read_lines(data: bytes) -> list[list[str]]:
    """Return the lines of any list as text, its head first, without empty ones.

    Raises:
        RosterUnreadable: damaged, too wide, too many lines, nothing below the head.
    """
    table = open_sheet(data) if is_sheet(data) else open_text(data)
    lines: list[list[str]] = []
    for cells in table.lines:
        if sum(cell not in EMPTY for cell in cells) > MAX_COLUMNS:
            raise RosterUnreadable(f"清单超过 {MAX_COLUMNS} 列，请只保留需要的列")
        line = [clean_cell(_show_cell(cell))[0] if cell not in EMPTY else "" for cell in cells]
        if any(line):
            lines.append(line[:MAX_COLUMNS])
        if len(lines) > MAX_ROWS:
            raise RosterUnreadable(f"清单超过 {MAX_ROWS} 行，请分成几个文件")
    if len(lines) < 2:  # noqa: PLR2004 - a head and one line
        raise RosterUnreadable("清单里没有内容：第一行应为列名，下面是学生")
    return lines


def _read_rows(
    lines: Iterator[list[Any]], header: Header, marks: SheetMarks
) -> Iterator[RosterRow]:
    count = 0
    for number, cells in enumerate(lines, start=header.row + 1):
        row = _read_row(number, cells, header, marks)
        if not any(row.values.values()):
            continue
        count += 1
        if count > MAX_ROWS:
            raise RosterUnreadable(f"名单超过 {MAX_ROWS} 行，请分成几个文件")
        yield row


def _read_row(number: int, cells: list[Any], header: Header, marks: SheetMarks) -> RosterRow:
    row = RosterRow(number, {})
    for column, place in header.places.items():
        cell = cells[place] if place < len(cells) else None
        shown = _show_cell(cell, as_month=column in TERM_COLUMNS)
        value, had_unseen = clean_cell(shown)
        if column in EXACT_COLUMNS:
            reason = find_spoiled(column, cell, value, marks.format_of(number, place))
            if reason is not None:
                row.spoiled[column] = reason
        row.values[column] = normalise_student_no(value) if column == "学号" else value
        row.was_cleaned |= had_unseen and column in REQUIRED_COLUMNS
    return row


def _forget_empty_columns(rows: list[RosterRow]) -> None:
    """Treat a column without any value as absent: it says nothing of anybody."""
    for column in set(COLUMNS) - set(REQUIRED_COLUMNS):
        if not any(row.values.get(column) for row in rows):
            for row in rows:
                row.values.pop(column, None)


def _spoil_rounded(rows: list[RosterRow]) -> None:
    for column in EXACT_COLUMNS:
        if find_rounded([row.values.get(column, "") for row in rows]):
            for row in rows:
                row.spoiled.setdefault(
                    column, f"每一行的{column}第 15 位以后都是 0：后几位已丢失，请使用原始的表格"
                )


def _describe_hidden(marks: SheetMarks, header: Header, rows: list[RosterRow]) -> Iterator[str]:
    read = {row.number for row in rows}
    hidden = [number for number in marks.hidden_rows if number in read]
    if hidden:
        shown = "、".join(map(str, hidden[:SHOWN_ROWS]))
        more = " 等" if len(hidden) > SHOWN_ROWS else ""
        yield (f"有 {len(hidden)} 个隐藏的行也已读取（第 {shown}{more} 行）：不需要导入的请先删除")
    columns = [name for name, place in header.places.items() if place in marks.hidden_columns]
    if columns:
        yield f"隐藏的列也已读取：{'、'.join(columns)}"


def _show_cell(cell: Any, *, as_month: bool = False) -> str:
    """Return a cell as text; with ``as_month`` the first day of a month is the month.

    What a spreadsheet made a date of may have lost its format: a day as a number (45839).
    """
    if as_month and isinstance(cell, int | float) and FIRST_DAY <= cell < LAST_DAY:
        cell = DAY_NOUGHT + dt.timedelta(days=int(cell))
    if isinstance(cell, float) and cell.is_integer():
        return str(int(cell))
    if isinstance(cell, dt.datetime | dt.date):
        if as_month and cell.day == 1:
            return f"{cell:%Y-%m}"
        return cell.isoformat()[:10]
    return "" if cell is None else str(cell)
