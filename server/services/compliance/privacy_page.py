"""docs/privacy.md: the table of periods as a page."""

from __future__ import annotations

from server.services.compliance.period import describe_period
from server.services.compliance.periods import BACKUPS, PERIODS

HEADING = """# 个人信息的保存期限

每个涉及个人的字段保存多久、为什么、什么使它结束。本页由 `flask privacy` 从程序里的那一张表生成，
工作台“保存期限”显示同一张表和本校的年数；没有列入的新字段会使测试失败。期限是默认值：
采集完成的学生在批次截止后 3 年（每个院校可以修改），原始照片 180 天（`CAIJI_RETENTION_DAYS`）。
"""


def write_privacy_page(*, years: int = 3, days: int = 180) -> str:
    """Return the page docs/privacy.md, with the default figures."""
    rows = [
        "| "
        + " | ".join(
            (
                line.what,
                f"`{line.table}`: " + (", ".join(f"`{one}`" for one in line.columns) or "—"),
                describe_period(line.period, years=years, days=days),
                line.reason,
                line.ends,
                line.at_end.value,
            )
        )
        + " |"
        for line in PERIODS
    ]
    return "\n".join(
        [
            HEADING,
            "| 内容 | 字段 | 保存期限 | 为什么需要 | 何时结束 | 学生的期限届满时 |",
            "|---|---|---|---|---|---|",
            *rows,
            "",
            BACKUPS,
        ]
    )
