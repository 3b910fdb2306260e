"""What ``make test`` tries of a long list, and what waits for ``make test-all``."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import pytest


def few(values: Iterable[Any], is_first: Callable[[Any], bool]) -> list[Any]:
    """Return parameters of which only those that ``is_first`` chooses run in ``make test``.

    A tuple is a row of several parameters. Some must be chosen and some not, or the choice is one
    that nobody made.
    """
    rows = list(values)
    chosen = [is_first(row) for row in rows]
    assert any(chosen)
    assert not all(chosen)
    return [
        pytest.param(*(row if isinstance(row, tuple) else (row,)), marks=marks)
        for row, is_now in zip(rows, chosen, strict=True)
        for marks in [() if is_now else pytest.mark.long]
    ]
