"""What people do not see in a cell, taken out: marks, apostrophes, forms of letters."""

from __future__ import annotations

import re

from server.services.names import clean_text, strip_invisible

MAX_CELL_CHARACTERS = 500
"""More than any column takes: what is longer is cut before it is looked at."""
FORMULA_TEXT = re.compile(r'="([^"]*)"')
"""``="0030001"``: how programs keep a number in a csv as text."""
HEADER_NOTE = re.compile(r"[(\[【].*?[)\]】]|[*:]")
ALIASES = {
    "学生学号": "学号",
    "学生姓名": "姓名",
    "身份证号码": "身份证号",
    "身份证": "身份证号",
    "证件号": "身份证号",
    "证件号码": "身份证号",
    "手机": "手机号",
    "手机号码": "手机号",
    "联系电话": "手机号",
    "预计毕业时间": "预计毕业",
    "减免原因": "减免",
    "费用减免": "减免",
}


def clean_cell(text: str) -> tuple[str, bool]:
    """Return a cell as people read it, and whether characters that nobody sees were in it.

    A leading apostrophe and ``="…"`` are how spreadsheets keep text: they are no part of it.
    """
    text = text[:MAX_CELL_CHARACTERS]
    seen = strip_invisible(text)
    value = " ".join(seen.split())
    if value[:1] in {"'", "’", "‘"}:
        value = value[1:].strip()
    if (formula := FORMULA_TEXT.fullmatch(value)) is not None:
        value = formula[1].strip()
    return value, len(seen) != len(text)


def name_column(cell: str) -> str:
    """Return the column that a cell of the header names: ``＊学 号（必填）`` is 学号."""
    bare = HEADER_NOTE.sub("", clean_text(cell[:MAX_CELL_CHARACTERS])).replace(" ", "")
    return ALIASES.get(bare, bare)
