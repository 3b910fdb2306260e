"""The first visible sheet of an xlsx or xls, and the sheets that were not read."""

from __future__ import annotations

import io
import zipfile
import zlib
from collections.abc import Iterator
from typing import Any

import python_calamine
from python_calamine import SheetTypeEnum, SheetVisibleEnum

from server.services.roster.columns import (
    MAX_COLUMNS,
    MAX_ROWS,
    PACKED,
    RosterUnreadable,
    Table,
)
from server.services.roster.sheet_marks import read_xls_marks, read_xlsx_marks

MAX_UNPACKED_BYTES = 256 * 1024 * 1024
"""An honest xlsx of MAX_ROWS rows unpacks to about half of this."""
MAX_WIDTH = 2_000
"""Formats stretch a sheet far beyond its cells; a roster of 2,000 columns is none."""
ZIP_MAGIC = b"PK\x03\x04"
OLE_MAGIC = b"\xd0\xcf\x11\xe0"
ENCRYPTED_STREAM = "EncryptedPackage".encode("utf-16-le")
"""What an xlsx with a password consists of (MS-OFFCRYPTO 2.1)."""
SHEET_PARTS = frozenset({"[Content_Types].xml", "content.xml", "xl/worksheets/sheet1.xml"})
"""One of these is in every workbook (xlsx, xlsb, ods); other archives only carry files."""
NOTES_SHEET = "填写说明"
"""The explanations in our own template: nobody expects them to be read."""
PROTECTED = "这个表格有密码保护，请去掉密码后再上传"
DAMAGED = "这个表格文件已损坏或不是 xlsx/xls 格式"
WORD = "这是 Word 文档，不是表格：请把名单复制到模板（xlsx）中再上传"


def is_sheet(data: bytes) -> bool:
    """Tell whether the bytes begin like an xlsx or an xls."""
    return data.startswith((ZIP_MAGIC, OLE_MAGIC))


def open_sheet(data: bytes) -> Table:
    """Return the cells of the first visible sheet.

    Raises:
        RosterUnreadable: a password, damage, too large, no sheet.
    """
    if data.startswith(ZIP_MAGIC):
        _refuse_bomb(data)
    elif ENCRYPTED_STREAM in data:
        raise RosterUnreadable(PROTECTED)
    try:
        book = python_calamine.load_workbook(io.BytesIO(data))
        name, others = _choose_sheet(book)
        sheet = book.get_sheet_by_name(name)
    except python_calamine.PasswordError as error:
        raise RosterUnreadable(PROTECTED) from error
    except (python_calamine.CalamineError, IndexError, OSError, ValueError) as error:
        raise RosterUnreadable(DAMAGED) from error
    if sheet.total_height > 2 * MAX_ROWS:
        raise RosterUnreadable(f"名单超过 {MAX_ROWS} 行，请分成几个文件")
    if sheet.total_width > MAX_WIDTH:
        raise RosterUnreadable(f"名单超过 {MAX_COLUMNS} 列，请只保留名单的列")
    read_marks = read_xlsx_marks if data.startswith(ZIP_MAGIC) else read_xls_marks
    return Table(_iterate(sheet), read_marks(data, name), _describe_unread(book, name, others))


def _iterate(sheet: python_calamine.CalamineSheet) -> Iterator[list[Any]]:
    return iter(sheet.to_python(skip_empty_area=False))


def _choose_sheet(
    book: python_calamine.CalamineWorkbook,
) -> tuple[str, list[python_calamine.SheetMetadata]]:
    sheets = [one for one in book.sheets_metadata if one.typ == SheetTypeEnum.WorkSheet]
    visible = [one for one in sheets if one.visible == SheetVisibleEnum.Visible]
    chosen = (visible or sheets)[0]
    return chosen.name, [one for one in sheets if one is not chosen]


def _describe_unread(
    book: python_calamine.CalamineWorkbook,
    name: str,
    others: list[python_calamine.SheetMetadata],
) -> list[str]:
    notes = []
    for one in others:
        end = book.get_sheet_by_name(one.name).end
        rows = end[0] + 1 if end else 0
        if rows and one.name != NOTES_SHEET:
            hidden = "" if one.visible == SheetVisibleEnum.Visible else "隐藏的"
            notes.append(
                f"只读取了工作表“{name[:40]}”；{hidden}工作表“{one.name[:40]}”（{rows} 行）"
                "没有读取，其中如有学生请另存后再上传"
            )
    return notes


def _refuse_bomb(data: bytes) -> None:
    """Unpack and count: what a zip file says of its own size is not to be believed."""
    left = MAX_UNPACKED_BYTES
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            if "word/document.xml" in archive.namelist():
                raise RosterUnreadable(WORD)
            if SHEET_PARTS.isdisjoint(archive.namelist()):
                raise RosterUnreadable(PACKED)
            for member in archive.infolist():
                with archive.open(member) as stream:
                    while chunk := stream.read(1 << 20):
                        left -= len(chunk)
                        if left < 0:
                            raise RosterUnreadable("这个表格解压后太大，请只保留名单再上传")
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError) as error:
        raise RosterUnreadable(DAMAGED) from error
