"""CSV lines that no spreadsheet calculates with."""

from __future__ import annotations

import csv
import io
import re

FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r")


AMOUNT = re.compile(r"-?\d+\.\d\d")


Row = tuple[str, ...]


def write_line(values: Row) -> str:
    """Return one CSV line in which no cell can start a formula."""
    safe = [f"'{value}" if _is_formula(value) else value for value in values]
    buffer = io.StringIO()
    csv.writer(buffer).writerow(safe)
    return buffer.getvalue()


def _is_formula(value: str) -> bool:
    """Whether a spreadsheet would calculate with the text; a negative amount is none."""
    return value.startswith(FORMULA_STARTS) and not AMOUNT.fullmatch(value)
