"""Reads a roster file (csv, xlsx, xls) into rows of text, without judging them."""

from __future__ import annotations

import csv
import datetime as dt
import io
import zipfile
import zlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

import python_calamine

from server.errors import CaijiError

COLUMNS = (
    "学号",
    "姓名",
    "身份证号",
    "层次",
    "专业",
    "学习中心",
    "入学批次",
    "预计毕业",
    "学籍状态",
)
REQUIRED_COLUMNS = ("学号", "姓名", "身份证号", "学习中心")
MAX_FILE_BYTES = 30 * 1024 * 1024
MAX_ROWS = 200_000
MAX_UNPACKED_BYTES = 256 * 1024 * 1024
"""An honest xlsx of MAX_ROWS rows unpacks to about half of this."""
EXACT_DIGITS = 15
"""A spreadsheet keeps no more digits of a number than these."""
ZIP_MAGIC = b"PK\x03\x04"
OLE_MAGIC = b"\xd0\xcf\x11\xe0"
ENCRYPTED_STREAM = "EncryptedPackage".encode("utf-16-le")
"""What an xlsx with a password consists of (MS-OFFCRYPTO 2.1)."""
PROTECTED = "这个表格有密码保护,请去掉密码后再上传"


class RosterUnreadable(CaijiError):
    """The file is no roster; the message says why."""

    code = "roster_unreadable"
    status = 422
    message = "无法读取名单文件"


@dataclass
class RosterRow:
    """One row as text. ``number`` is its line in the file; ``numeric`` the cells stored as numbers.

    A number with more digits than a spreadsheet keeps has lost some of them.
    """

    number: int
    values: dict[str, str]
    numeric: set[str] = field(default_factory=set)


def read_roster(data: bytes) -> list[RosterRow]:
    """Return the rows of a roster; the kind of file is known by its content.

    Raises:
        RosterUnreadable: too large, damaged, no header, missing columns, too many rows.
    """
    if not data:
        raise RosterUnreadable("名单文件是空的")
    if len(data) > MAX_FILE_BYTES:
        raise RosterUnreadable("名单文件超过 30 MB")
    table = _read_sheet(data) if data.startswith((ZIP_MAGIC, OLE_MAGIC)) else _read_csv(data)
    header = _read_header(table)
    rows = list(_read_rows(table, header))
    if not rows:
        raise RosterUnreadable("名单文件里没有学生")
    return rows


def _read_sheet(data: bytes) -> Iterator[list[Any]]:
    if data.startswith(ZIP_MAGIC):
        _refuse_bomb(data)
    elif ENCRYPTED_STREAM in data:
        raise RosterUnreadable(PROTECTED)
    try:
        workbook = python_calamine.load_workbook(io.BytesIO(data))
        sheet = workbook.get_sheet_by_index(0)
        if sheet.total_height > MAX_ROWS + 1:
            raise RosterUnreadable(f"名单超过 {MAX_ROWS} 行,请分成几个文件")
        return iter(sheet.to_python(skip_empty_area=False))
    except python_calamine.PasswordError as error:
        raise RosterUnreadable(PROTECTED) from error
    except (python_calamine.CalamineError, IndexError, OSError, ValueError) as error:
        raise RosterUnreadable("这个表格文件已损坏或不是 xlsx/xls 格式") from error


def _refuse_bomb(data: bytes) -> None:
    """Unpack and count: what a zip file says of its own size is not to be believed."""
    left = MAX_UNPACKED_BYTES
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            for member in archive.infolist():
                with archive.open(member) as stream:
                    while chunk := stream.read(1 << 20):
                        left -= len(chunk)
                        if left < 0:
                            raise RosterUnreadable("这个表格解压后太大,请只保留名单再上传")
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError) as error:
        raise RosterUnreadable("这个表格文件已损坏或不是 xlsx/xls 格式") from error


def _read_csv(data: bytes) -> Iterator[list[Any]]:
    text = _decode(data)
    if "\0" in text:
        raise RosterUnreadable("这不是 csv、xlsx 或 xls 文件")
    try:
        return iter(list(csv.reader(io.StringIO(text, newline=""), strict=True)))
    except csv.Error as error:
        raise RosterUnreadable("csv 文件格式不正确(引号或换行不配对)") from error


def _decode(data: bytes) -> str:
    for encoding in ("utf-8-sig", "gb18030"):
        try:
            return data.decode(encoding)
        except UnicodeDecodeError:
            continue
    raise RosterUnreadable("文件编码无法识别,请另存为 UTF-8 或 GB18030(ANSI)")


def _read_header(table: Iterator[list[Any]]) -> list[str]:
    header = [_show(cell).strip() for cell in next(table, [])]
    missing = [name for name in REQUIRED_COLUMNS if name not in header]
    if missing:
        raise RosterUnreadable(f"第一行缺少这些列:{'、'.join(missing)}")
    repeated = {name for name in header if name and header.count(name) > 1}
    if repeated:
        raise RosterUnreadable(f"第一行有重复的列:{'、'.join(sorted(repeated))}")
    return header


def _read_rows(table: Iterable[list[Any]], header: list[str]) -> Iterator[RosterRow]:
    count = 0
    for number, cells in enumerate(table, start=2):
        named = [(name, cell) for name, cell in zip(header, cells, strict=False) if name in COLUMNS]
        values = {name: _show(cell).strip() for name, cell in named}
        if not any(values.values()):
            continue
        count += 1
        if count > MAX_ROWS:
            raise RosterUnreadable(f"名单超过 {MAX_ROWS} 行,请分成几个文件")
        numeric = {name for name, cell in named if isinstance(cell, int | float)}
        yield RosterRow(number, values, numeric)


def _show(cell: Any) -> str:
    if isinstance(cell, float) and cell.is_integer():
        return str(int(cell))
    if isinstance(cell, dt.datetime | dt.date):
        return cell.isoformat()[:10]
    return "" if cell is None else str(cell)
