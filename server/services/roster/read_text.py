"""A roster as text: csv in its dialects, and what is only called a spreadsheet."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator
from itertools import islice

from server.services.roster.cleaning import name_column
from server.services.roster.columns import (
    HEADER_WITHIN,
    PACKED,
    REQUIRED_COLUMNS,
    RosterUnreadable,
    Table,
)

BOM = "\ufeff"
UTF_16_BOMS = (b"\xff\xfe", b"\xfe\xff")
SEPARATORS = (",", "\t", ";", "|", "，", "；")
SEPARATOR_LINE = re.compile(r"sep=(.)\r?\n", re.IGNORECASE)
"""The first line by which a program tells Excel its separator."""
SAVE_AS = "请用表格软件打开后另存为 xlsx 再上传"
MHTML = f"这是网页（单个文件网页，MHTML），不是表格：{SAVE_AS}"
PICTURE = "这是图片，不是表格：请把名单填入模板（xlsx）后上传"
OTHER_KINDS = (
    (b"%PDF", "这是 PDF 文件，不是表格：请把名单复制到模板（xlsx）中再上传"),
    (b"{\\rtf", "这是 RTF 文档，不是表格：请把名单复制到模板（xlsx）中再上传"),
    (b"MIME-Version:", MHTML),
    (b"From: <", MHTML),
    (b"Rar!", PACKED),
    (b"7z\xbc\xaf", PACKED),
    (b"\x1f\x8b", PACKED),
    (b"\xff\xd8\xff", PICTURE),
    (b"\x89PNG", PICTURE),
    (b"GIF8", PICTURE),
)
csv.field_size_limit(1 << 20)


def open_text(data: bytes) -> Table:
    """Return the cells of a text file; the separator is the one that makes a header of its lines.

    Raises:
        RosterUnreadable: no text, an unknown encoding, a web page, quotes that do not match.
    """
    for magic, message in OTHER_KINDS:
        if data.startswith(magic):
            raise RosterUnreadable(message)
    text = _decode(data).lstrip(BOM)
    _refuse_markup(text)
    if "\0" in text:
        raise RosterUnreadable("这不是 csv、xlsx 或 xls 文件")
    told = SEPARATOR_LINE.match(text)
    if told is not None:
        return Table(_split(text[told.end() :], told[1], first_line=2))
    return Table(_split(text, _find_separator(text)))


def _decode(data: bytes) -> str:
    for encoding in _guess_encodings(data):
        try:
            return data.decode(encoding)
        except UnicodeDecodeError:
            continue
    raise RosterUnreadable("文件编码无法识别，请另存为 UTF-8 或 GB18030（ANSI）")


def _guess_encodings(data: bytes) -> list[str]:
    if data.startswith(UTF_16_BOMS):
        return ["utf-16"]
    head = data[:400]
    if b"\0" in head and len(data) % 2 == 0:
        # UTF-16 without a mark: line ends and separators tell which byte comes first.
        even, odd = head[::2].count(0), head[1::2].count(0)
        return ["utf-16-le" if odd > even else "utf-16-be"]
    return ["utf-8", "gb18030"]


def _refuse_markup(text: str) -> None:
    head = text[:2_000].lstrip().lower()
    if not head.startswith("<"):
        return
    if "urn:schemas-microsoft-com:office:spreadsheet" in head:
        raise RosterUnreadable(f"这是 XML 表格（Excel 2003 XML），不是 xls：{SAVE_AS}")
    if head.startswith("<?xml") and "<html" not in head:
        raise RosterUnreadable(f"这是 XML 文件，不是表格：{SAVE_AS}")
    raise RosterUnreadable(f"这是网页（HTML），只是名字像表格：{SAVE_AS}")


def _find_separator(text: str) -> str:
    """Return the separator under which most required columns are found near the top."""
    lines = list(islice(io.StringIO(text), HEADER_WITHIN))

    def count_found(separator: str) -> int:
        return max((_count_columns(line[:4_000], separator) for line in lines), default=0)

    return max(SEPARATORS, key=count_found)


def _count_columns(line: str, separator: str) -> int:
    names = {name_column(cell.strip().strip('"')) for cell in line.split(separator)}
    return len(names.intersection(REQUIRED_COLUMNS))


def _split(text: str, separator: str, first_line: int = 1) -> Iterator[list[str]]:
    for _ in range(1, first_line):
        yield []
    lines = csv.reader(io.StringIO(text, newline=""), delimiter=separator, strict=True)
    row = first_line - 1
    try:
        for row, cells in enumerate(lines, start=first_line):  # noqa: B007 - named in the error
            yield cells
    except csv.Error as error:
        raise RosterUnreadable(
            f"csv 文件第 {row + 1} 行起格式不正确（引号或换行不配对）"
        ) from error
