"""Rosters whose header, columns or kind of file are not those of the template."""

from __future__ import annotations

import datetime as dt
import gzip
import io
import zipfile

import pytest

from server.services.roster.columns import RosterUnreadable
from server.services.roster.judge import Judge
from server.services.roster.read import Roster, read_roster
from tests.college import make_id_number

HEADER = "学号,姓名,身份证号,学习中心"
STUDENT = f"30000000,测试甲,{make_id_number(0)},直属学习中心"


def read(*lines: str) -> Roster:
    return read_roster("\n".join(lines).encode())


@pytest.mark.parametrize(
    "lines",
    [
        ("2023 级名单,,,", HEADER + ",手机号", STUDENT + ",13800138000"),
        ("基本信息,,,,联系方式", HEADER + ",手机号", STUDENT + ",13800138000"),
        (HEADER + ",联系方式", ",,,,手机号", STUDENT + ",13800138000"),
        ("学号,姓名,证件,学籍,", ",,身份证号,学习中心,手机号", STUDENT + ",13800138000"),
    ],
    ids=["title", "groups", "merged-down", "both"],
)
def test_header_of_two_rows_is_read_as_one(lines: tuple[str, ...]) -> None:
    (row,) = read(*lines).rows
    assert row.number == 3
    assert (row.values["学号"], row.values["手机号"]) == ("30000000", "13800138000")


def test_row_without_its_numbers_is_no_second_header() -> None:
    rows = read(HEADER + ",班级,备注", ",,,,一班,x", STUDENT + ",二班,").rows
    assert [row.number for row in rows] == [2, 3]


def test_columns_that_nobody_reads_are_said() -> None:
    assert read(HEADER, STUDENT).notes == []
    (note,) = read(HEADER + ",学籍状况,备注", STUDENT + ",休学,").notes
    assert "没有读取这些列：学籍状况、备注" in note


@pytest.mark.parametrize(
    ("data", "word"),
    [
        (HEADER.replace(",", "  ").encode(), "分隔符"),
        (HEADER.replace(",", "、").encode(), "分隔符"),
        (gzip.compress(HEADER.encode(), mtime=0), "解压"),
        (b"\xff\xd8\xff\xe0\0\x10JFIF", "图片"),
        (b"\x89PNG\r\n\x1a\n", "图片"),
        (b"From: <Saved by Blink>\r\nMIME-Version: 1.0", "网页"),
    ],
    ids=["spaces", "listing-comma", "gzip", "jpeg", "png", "mhtml"],
)
def test_what_is_no_table_is_called_by_its_name(data: bytes, word: str) -> None:
    with pytest.raises(RosterUnreadable, match=word):
        read_roster(data)


def test_archive_that_holds_the_table_is_to_be_unpacked() -> None:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr("名单.csv", HEADER)
    with pytest.raises(RosterUnreadable, match="解压"):
        read_roster(out.getvalue())


OPEN_DOCUMENT = """<?xml version="1.0" encoding="UTF-8"?>
<office:document-content xmlns:office="urn:oasis:names:tc:opendocument:xmlns:office:1.0"
 xmlns:table="urn:oasis:names:tc:opendocument:xmlns:table:1.0"
 xmlns:text="urn:oasis:names:tc:opendocument:xmlns:text:1.0"><office:body><office:spreadsheet>
<table:table table:name="S">{rows}</table:table></office:spreadsheet></office:body>
</office:document-content>"""


MANIFEST = """<?xml version="1.0"?>
<manifest:manifest xmlns:manifest="urn:oasis:names:tc:opendocument:xmlns:manifest:1.0">
<manifest:file-entry manifest:full-path="content.xml" manifest:media-type="text/xml"/>
</manifest:manifest>"""


def as_ods(*lines: list[str]) -> bytes:
    rows = "".join(f"<table:table-row>{''.join(cells)}</table:table-row>" for cells in lines)
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr("mimetype", "application/vnd.oasis.opendocument.spreadsheet")
        archive.writestr(
            "META-INF/manifest.xml",
            MANIFEST,
        )
        archive.writestr("content.xml", OPEN_DOCUMENT.format(rows=rows))
    return out.getvalue()


def cell(text: str, value: str = "") -> str:
    kind = f'"float" office:value="{value}"' if value else '"string"'
    return f"<table:table-cell office:value-type={kind}><text:p>{text}</text:p></table:table-cell>"


def test_number_of_an_open_document_is_not_trusted_to_show_as_stored() -> None:
    header, student = ([cell(one) for one in line.split(",")] for line in (HEADER, STUDENT))
    judge = Judge(dt.date(2026, 10, 1))
    (good,) = read_roster(as_ods(header, student)).rows
    assert list(judge.find_faults(good)) == []
    student[0] = cell("0030001", "30001")
    (row,) = read_roster(as_ods(header, student)).rows
    assert [fault.column for fault in judge.find_faults(row)] == ["学号"]


@pytest.mark.parametrize(
    ("value", "month"), [("45839", "2025-07"), ("202507", "202507"), ("2025", "2025")]
)
def test_month_that_became_the_number_of_a_day_is_a_month_again(value: str, month: str) -> None:
    header, student = ([cell(one) for one in line.split(",")] for line in (HEADER, STUDENT))
    header.append(cell("预计毕业"))
    student.append(cell(value, value))
    (row,) = read_roster(as_ods(header, student)).rows
    assert row.values["预计毕业"] == month
