"""One line of the table of periods: fields that share a period, a reason and an end."""

from __future__ import annotations

import datetime as dt
import enum
from dataclasses import dataclass


class AtEnd(enum.Enum):
    """What retention does with a field when the student's time is over."""

    ROW = "整行删除"
    EMPTY = "清空"
    ELSEWHERE = "另有规则，见“何时结束”"
    SEALED = "销毁本人密钥，内容不可读"
    LAW = "按法律保留"
    STAYS = "不含个人信息的凭据，保留"


@dataclass(frozen=True)
class Period:
    """One line: fields of one table that share period and reason."""

    table: str
    columns: tuple[str, ...]
    what: str
    period: str
    reason: str
    ends: str
    at_end: AtEnd


PERSON = "批次截止后 {years} 年"
PERSON_ENDS = "期限届满，或学生的删除申请获准"
RAW = "{days} 天"
CODE_KEPT = dt.timedelta(days=7)
"""So long after the handover is confirmed a 图像采集码 is kept: a list may be mapped wrongly."""


def describe_period(text: str, *, years: int, days: int) -> str:
    """Return a period with the figures of an institution."""
    return text.format(years=years, days=days)
