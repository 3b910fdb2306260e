"""The line of column names: below titles, in one row or in two of which the upper one is merged."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import chain, islice
from typing import Any

from server.services.roster.cleaning import name_column
from server.services.roster.columns import (
    COLUMNS,
    HEADER_WITHIN,
    MAX_COLUMNS,
    REQUIRED_COLUMNS,
    RosterUnreadable,
)

Names = list[str]
SHOWN_COLUMNS = 12


@dataclass(frozen=True)
class Header:
    """Where the columns are."""

    row: int
    """The row of the column names, from 1; the lower one of two."""
    places: dict[str, int]
    """Column name → place in the row, from 0."""
    unread: list[str]
    """Names in the header that no column of a roster has, as they are read."""


def find_header(lines: Iterator[list[Any]]) -> tuple[Header, Iterator[list[Any]]]:
    """Return the header and the lines below it.

    Raises:
        RosterUnreadable: too many columns, a required one missing, one that stands there twice.
    """
    best: Names = []
    above: Names = []
    is_unsplit = False
    for row, cells in enumerate(islice(lines, HEADER_WITHIN), start=1):
        names = _read_names(row, cells)
        if _has_required(names):
            second = next(lines, None)
            if second is None:
                return _make_header(row, names), iter(())
            if _is_second_row(names, second):
                return _make_header(row + 1, _lay_over(names, _read_names(row + 1, second))), lines
            return _make_header(row, names), chain([second], lines)
        if _has_required(both := _lay_over(above, names)):
            return _make_header(row, both), lines
        best = max(best, names, both, key=lambda one: len(set(one) & set(REQUIRED_COLUMNS)))
        is_unsplit |= any(all(column in name for column in REQUIRED_COLUMNS) for name in names)
        above = names
    if is_unsplit:
        raise RosterUnreadable("列与列之间没有认得的分隔符：请用逗号或制表符分隔，或另存为 xlsx")
    missing = [name for name in REQUIRED_COLUMNS if name not in best]
    raise RosterUnreadable(f"第一行应为列名，缺少这些列：{'、'.join(missing)}")


def _read_names(row: int, cells: list[Any]) -> Names:
    # Counted before they are read: two million names are looked at for minutes.
    if sum(cell not in (None, "") for cell in cells) > MAX_COLUMNS:
        raise RosterUnreadable(f"第 {row} 行超过 {MAX_COLUMNS} 列，请只保留名单的列")
    return [name_column(str(cell)) if cell not in (None, "") else "" for cell in cells]


def _has_required(names: Names) -> bool:
    return all(name in names for name in REQUIRED_COLUMNS)


def _lay_over(upper: Names, lower: Names) -> Names:
    """Return the names of two rows: a cell that is merged downwards has its name above."""
    width = max(len(upper), len(lower))
    upper, lower = (one + [""] * (width - len(one)) for one in (upper, lower))
    return [below or above for above, below in zip(upper, lower, strict=True)]


def _is_second_row(names: Names, cells: list[Any]) -> bool:
    """Tell whether the line below a header only says more of its other columns."""
    filled = {place for place, cell in enumerate(cells) if cell not in (None, "")}
    if not filled or any(names.index(one) in filled for one in REQUIRED_COLUMNS):
        return False
    return any(name_column(str(cells[place])) in COLUMNS for place in filled)


def _make_header(row: int, names: Names) -> Header:
    repeated = {name for name in COLUMNS if names.count(name) > 1}
    if repeated:
        raise RosterUnreadable(f"有重复的列：{'、'.join(sorted(repeated))}")
    places = {name: names.index(name) for name in COLUMNS if name in names}
    return Header(row, places, [name for name in names if name and name not in COLUMNS])


def describe_unread(header: Header) -> Iterator[str]:
    """Say which columns nobody reads: one may be a known column under another name."""
    if header.unread:
        shown = "、".join(name[:20] for name in header.unread[:SHOWN_COLUMNS])
        more = f" 等 {len(header.unread)} 列" if len(header.unread) > SHOWN_COLUMNS else ""
        yield f"没有读取这些列：{shown}{more}；其中如有需要的，请按模板改列名"
