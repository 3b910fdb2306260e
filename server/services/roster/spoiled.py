"""Cells whose content was lost before it reached us: numbers that a spreadsheet rounded or dressed.

What is stored is then not what people see in the table, or less than they typed. The columns that
name a person (学号, 身份证号, 手机号) must be text.
"""

from __future__ import annotations

import datetime as dt
import re
import unicodedata
from collections import Counter
from typing import Any

EXACT_COLUMNS = ("学号", "身份证号", "手机号")
EXACT_DIGITS = 15
"""A spreadsheet keeps no more digits of a number than these."""
PADDING = re.compile(r"_.|\*.|\[[^\]]*\]|\s")
"""Parts of a number format that show no digits: room, fill, colour, language."""
AS_TEXT = "请把该列设为“文本”后重新填写"
SPOILED_TEXT = tuple(
    (re.compile(pattern, re.IGNORECASE), why)
    for pattern, why in (
        (
            r"\d(\.\d+)?E\+\d+|\d+\.\d+E\d+",
            f"被表格写成了科学计数法，后几位已丢失：{AS_TEXT}",
        ),
        (
            r"#(REF|N/A|VALUE|NAME\?|NAME|NUM|NULL|DIV/0)!?|#{3,}",
            "是公式错误或没有显示出来，不是号码",
        ),
        (
            r"\d{4}([-/.])\d{1,2}\1\d{1,2}( \d{1,2}:\d{2}.*)?|\d{4}年\d{1,2}月(\d{1,2}日)?",
            f"被表格改成了日期：{AS_TEXT}",
        ),
        (r"[\d,]+\.\d+|\d{1,3}(,\d{3})+", f"带有小数点或千位逗号：{AS_TEXT}"),
        (r".*[�?].*", "里有问号，原来的字符已丢失"),
        (r".*\*.*", "被星号遮盖，请使用完整的号码"),
    )
)


def find_spoiled(column: str, cell: Any, shown: str, number_format: str | None) -> str | None:
    """Return why a cell of an exact column cannot be what was typed, in Chinese, or None.

    ``number_format`` is the format of a numeric cell, None where the file does not tell.
    """
    if isinstance(cell, dt.date | dt.time | dt.timedelta):
        return f"{column}是日期格式，显示的与保存的不一样：{AS_TEXT}"
    if isinstance(cell, bool):
        return f"{column}不是号码：{AS_TEXT}"
    if isinstance(cell, int | float):
        return _find_in_number(column, cell, number_format)
    return _find_in_text(column, unicodedata.normalize("NFKC", shown))


def _find_in_number(column: str, number: float, number_format: str | None) -> str | None:
    if number != number or abs(number) >= 10**EXACT_DIGITS:  # noqa: PLR0124 - not a number
        return f"{column}是数字格式，表格只保留 {EXACT_DIGITS} 位，后几位已丢失：{AS_TEXT}"
    if number != int(number) or number < 0:
        return f"{column}带有小数或负号：{AS_TEXT}"
    if number_format is None:
        return f"{column}是数字格式，这种文件不说明它怎样显示：请另存为 xlsx，或把该列设为“文本”"
    if not _shows_as_stored(number_format, int(number)):
        return f"{column}是数字格式，显示的与保存的不一样（可能少了开头的 0）：{AS_TEXT}"
    return None


def _shows_as_stored(number_format: str, number: int) -> bool:
    shown = PADDING.sub("", number_format.split(";", maxsplit=1)[0])
    if shown.upper() in {"GENERAL", "@", "#", ""}:
        return True
    return set(shown.lstrip("#")) == {"0"} and len(shown.lstrip("#")) <= len(str(number))


def _find_in_text(column: str, text: str) -> str | None:
    return next((column + why for pattern, why in SPOILED_TEXT if pattern.fullmatch(text)), None)


def find_rounded(student_numbers: list[str]) -> bool:
    """Tell whether a column of long numbers was rounded before it became text.

    All longer than a spreadsheet keeps, and none with another end than noughts: at least two.
    """
    long = [one for one in student_numbers if one.isdigit() and len(one) > EXACT_DIGITS]
    ends = Counter(one[EXACT_DIGITS:].strip("0") == "" for one in long)
    return ends[True] > 1 and not ends[False]
