"""Cuts a list into pages by the key of its rows, so that page 1,000 costs what page 1 does."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Generic, TypeVar

COUNT_LIMIT = 10_000
"""Beyond it nobody reads the exact number, and counting costs."""

Row = TypeVar("Row")
Key = TypeVar("Key")


@dataclass(frozen=True)
class Page(Generic[Row, Key]):
    """One page of a list in its order.

    Attributes:
        rows: what the page shows.
        before, after: where its neighbours begin, None where there is none.
        count: how many rows there are in all, counted up to ``COUNT_LIMIT`` + 1.
    """

    rows: list[Row]
    before: Key | None
    after: Key | None
    count: int = 0

    @property
    def count_text(self) -> str:
        """The number of rows in all, as shown."""
        return f"{COUNT_LIMIT} 以上" if self.count > COUNT_LIMIT else str(self.count)


def cut_page(
    rows: list[Row],
    size: int,
    key: Callable[[Row], Key],
    *,
    before: object = None,
    after: object = None,
    count: int = 0,
) -> Page[Row, Key]:
    """Keep one page of what was read and name its neighbours.

    Args:
        rows: up to ``size`` + 1 rows: in the order of the list, or against it where ``before`` is
            set, because they were read backwards from there.
        size: rows a page.
        key: what the list is ordered by.
        before: where a reading backwards began, else empty.
        after: where a reading forwards began; empty for the first page.
        count: rows in all, where the page shows it.
    """
    has_more = len(rows) > size
    shown = rows[:size]
    if before:
        shown = shown[::-1]
    has_before = has_more if before else bool(after)
    has_after = bool(before) or has_more
    return Page(
        shown,
        before=key(shown[0]) if shown and has_before else None,
        after=key(shown[-1]) if shown and has_after else None,
        count=count,
    )
