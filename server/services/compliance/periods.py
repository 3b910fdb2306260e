"""保存期限: every field that tells of a person, how long it is kept, why, and what ends it.

The one table. The console shows it, docs/privacy.md is made from it, and retention goes by it: a
table of a student's own is emptied or loses its rows when the student's time is over. A column of
free content that stands neither here nor in IMPERSONAL fails the tests.
"""

from __future__ import annotations

from server.services.compliance.period import AtEnd, Period
from server.services.compliance.periods_of_money import OF_MONEY
from server.services.compliance.periods_of_students import OF_STUDENTS
from server.services.compliance.periods_of_the_house import OF_THE_HOUSE

PERIODS: tuple[Period, ...] = (*OF_STUDENTS, *OF_MONEY, *OF_THE_HOUSE)

BACKUPS = (
    "备份：每个快照里是当时的全部数据，`flask backup --keep N` 只留最新的 N 个。"
    "快照的间隔乘以 N 就是备份里最长的保存时间；新的快照里没有已经结束的学生。"
)


def list_tables(at_end: AtEnd) -> dict[str, tuple[str, ...]]:
    """Return tables and columns that end in this way, in the order of the table."""
    found: dict[str, tuple[str, ...]] = {}
    for line in PERIODS:
        if line.at_end is at_end:
            found[line.table] = (*found.get(line.table, ()), *line.columns)
    return found
