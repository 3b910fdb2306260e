"""What the law has us keep when a person ends, why, and for how long: one source.

The table of periods, the certificate of a deletion and the page that asks before it all say this.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass


@dataclass(frozen=True)
class KeptByLaw:
    """Records that outlive their person, without a name or an ID number.

    ``years``: the least, counted from the end of the year.
    """

    what: str
    why: str
    years: int

    @property
    def period(self) -> str:
        """The least time in words, as the table of periods shows it."""
        return f"不少于 {self.years} 年"

    def until(self, day: dt.date) -> dt.date:
        """Return the day before which it does not go, for what was written by ``day``."""
        return dt.date(day.year + self.years, 12, 31)


MONEY = KeptByLaw("缴费、退款和对账记录", "会计档案管理办法：会计凭证，自下一会计年度起保存", 30)
AUDIT = KeptByLaw("操作记录（只含编号）", "网络安全法第二十一条：不少于 6 个月，等保要求留存", 3)
CONSENTS = KeptByLaw(
    "同意与撤回的记录（只含编号、版本和时间）", "个人信息保护法第十四条：证明取得了同意", 3
)
ASSESSMENTS = KeptByLaw("个人信息保护影响评估", "个人信息保护法第五十六条", 3)
HANDOVERS = KeptByLaw(
    "交接记录：交给谁、用途、内容、数量，没有学生的信息",
    "网络数据安全管理条例要求保存提供记录",
    3,
)

OF_A_PERSON = {"payments": MONEY, "audit": AUDIT, "consents": CONSENTS}
"""What a deletion leaves of one person."""
