"""What a roster looks like: its columns, its limits, and the refusal of what is none."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from server.errors import CaijiError
from server.services.roster.sheet_marks import SheetMarks

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
    "班级",
    "考场",
    "座位号",
    "手机号",
    "减免",
)
REQUIRED_COLUMNS = ("学号", "姓名", "身份证号", "学习中心")
TERM_COLUMNS = ("入学批次", "预计毕业")
"""A spreadsheet makes a date of ``2025-07``: the month is what was typed."""
MAX_ROWS = 200_000
MAX_COLUMNS = 200
HEADER_WITHIN = 10
"""A title or a note may stand above the line of column names."""
PACKED = "这是压缩文件，请解压后上传里面的名单"


class RosterUnreadable(CaijiError):
    """The file is no roster; the message says why."""

    code = "roster_unreadable"
    status = 422
    message = "无法读取名单文件"


@dataclass
class Table:
    """The cells of a file, from its first row on, and what else the file tells."""

    lines: Iterator[list[Any]]
    marks: SheetMarks = field(default_factory=SheetMarks)
    notes: list[str] = field(default_factory=list)
