"""The list of a photographer: which file is whose, as people and their programs write it."""

from __future__ import annotations

import csv
import io
import re
import unicodedata

from server.errors import CaijiError

MAX_LIST_BYTES = 256 * 1024
FILE_NAMES = {
    "file",
    "filename",
    "文件",
    "文件名",
    "文件名称",
    "照片",
    "照片名",
    "照片文件",
    "照片文件名",
}
NUMBER_NAMES = {"学号", "学生学号", "student_no", "number"}
TITLE_LINES = 5
"""How far down the names of the columns are looked for; what stands above them is a title."""
SEPARATORS = ("\t", ",", ";", "，", "；")
SEPARATOR_LINE = "sep="
"""How a spreadsheet says in a line of its own what separates the cells."""
UTF16 = (b"\xff\xfe", b"\xfe\xff")
Shots = list[tuple[str, str]]


class ShotListUnreadable(CaijiError):
    """The list cannot be understood; the message says what is missing."""

    code = "shot_list_unreadable"
    status = 422
    message = "清单看不懂：请用 csv，两列：file,学号"


def read_shot_list(data: bytes) -> Shots:
    """Return (file, 学号) of each line, in the order of the list.

    Commas, tabs or semicolons, UTF-8, UTF-16 or GBK; both columns in any order where a header
    names them, below a title or not; file first where there is none.

    Raises:
        ShotListUnreadable.
    """
    if len(data) > MAX_LIST_BYTES:
        raise ShotListUnreadable("清单太大")
    lines = [line for line in _decode(data).splitlines() if line.strip("\t ,;，；\ufeff\u3000")]
    if not lines:
        raise ShotListUnreadable("清单是空的")
    if lines[0].lower().startswith(SEPARATOR_LINE):
        lines = lines[1:]
    lines = lines[
        next((at for at, line in enumerate(lines[:TITLE_LINES]) if _is_header(line)), 0) :
    ]
    separator = next((one for one in SEPARATORS if lines and one in lines[0]), ",")
    rows = [
        [_clean(cell) for cell in row]
        for row in csv.reader(io.StringIO("\n".join(lines)), delimiter=separator)
    ]
    file_at, number_at, has_header = _find_columns(rows[0] if rows else [])
    rows = rows[1:] if has_header else rows
    if not rows:
        raise ShotListUnreadable("清单里只有列名，没有照片")
    return [(_cell(row, file_at), _clean_number(_cell(row, number_at))) for row in rows]


def _decode(data: bytes) -> str:
    encodings = ("utf-16",) if data.startswith(UTF16) else ("utf-8-sig", "gb18030")
    for encoding in encodings:
        try:
            text = data.decode(encoding)
        except UnicodeDecodeError:
            continue
        if "\x00" not in text:
            return text
    raise ShotListUnreadable("清单的文字编码认不出来，请另存为 UTF-8 的 csv")


def _is_header(line: str) -> bool:
    cells = {_clean(cell).strip('"').lower() for cell in re.split("[\t,;，；]", line)}
    return bool(cells & FILE_NAMES and cells & NUMBER_NAMES)


def _find_columns(first: list[str]) -> tuple[int, int, bool]:
    """Return where file and 学号 stand, and whether the first line says so."""
    names = [cell.lower() for cell in first]
    file_at = next((at for at, name in enumerate(names) if name in FILE_NAMES), None)
    number_at = next((at for at, name in enumerate(names) if name in NUMBER_NAMES), None)
    if file_at is None and number_at is None:
        return 0, 1, False
    if file_at is None or number_at is None:
        missing = "文件名" if file_at is None else "学号"
        raise ShotListUnreadable(f"清单缺少“{missing}”这一列，第一行应为：file,学号")
    return file_at, number_at, True


def _cell(row: list[str], at: int) -> str:
    return row[at] if at < len(row) else ""


def _clean(cell: str) -> str:
    return unicodedata.normalize("NFKC", cell).strip().strip("\ufeff")


def _clean_number(cell: str) -> str:
    """A 学号 as a spreadsheet leaves it: with an apostrophe before it, or as 20200001.0."""
    return cell.lstrip("'’‘").removesuffix(".0")
