"""What a rule is: a measurement, a limit from the profile, and the words for both sides of it."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from imagecheck.analysis import Analysis
from imagecheck.report import Band, Finding, Mode, Status

Needs = Literal["file", "picture", "face"]


class UnknownType:
    """The type of ``UNKNOWN``: the measurement's precondition is missing."""


UNKNOWN = UnknownType()


@dataclass(frozen=True, slots=True)
class Stated:
    """A fact that is no number, and what it should have been.

    Attributes:
        status: ``fail`` or ``warn``.
        value: what was found.
        allowed: what the standard wants.
    """

    status: Status
    value: str
    allowed: str


Measured = float | Stated | UnknownType | None
"""A value; a fact in words; ``UNKNOWN`` asks for a human look; ``None``: nothing to object to, or
the rule does not apply."""


@dataclass(frozen=True, slots=True)
class Say:
    """What to tell about a value on one side of the band.

    The texts may use ``{value}``, ``{low}`` and ``{high}``, or ``{allowed}`` for a fact in words.

    Attributes:
        zh: Chinese, the fact: what was measured and what is allowed.
        advice: Chinese, one sentence: what to do about it.
        en, advice_en: the same in English.
    """

    zh: str
    advice: str
    en: str
    advice_en: str


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule of the standard.

    Attributes:
        code: stable name.
        clause: the words of the standard.
        method: one English sentence: how it is measured.
        measurement: name under which the value is reported, with its unit.
        measure: takes the analysis, gives the value.
        high: words for a value above the band.
        low: words for a value below the band; ``high`` when there is only one way to be wrong.
        unknown: words for a missing precondition.
        needs: ``file`` rules run on anything decodable, ``picture`` rules on the pixels,
            ``face`` rules only where exactly one whole upright face was found.
        modes: the modes in which the rule applies.
        digits: digits after the point in the message.
        wanted: what a rule without a number wants, for the table of rules.
        states: the statuses that such a rule may give.
    """

    code: str
    clause: str
    method: str
    measurement: str
    measure: Callable[[Analysis], Measured]
    high: Say
    low: Say | None = None
    unknown: Say | None = None
    needs: Needs = "face"
    modes: tuple[Mode, ...] = ("final", "capture")
    digits: int = 0
    wanted: str = ""
    states: tuple[Status, ...] = ("fail",)

    def judge(self, analysis: Analysis) -> tuple[Finding | None, float | None]:
        """The finding, if there is one, and the value, if it could be measured."""
        value = self.measure(analysis)
        if value is None:
            return None, None
        if isinstance(value, Stated):
            return self._find(value.status, value.value, value.allowed), None
        limit = analysis.profile.limit(self.code)
        if isinstance(value, UnknownType):
            return self._find("unknown", None, limit.tightest, limit.unit), None
        value = float(value)
        status = limit.judge(value)
        if status == "pass":
            return None, value
        return self._find(status, value, limit.band_for(status), limit.unit), value

    def _find(
        self, status: Status, value: float | str | None, allowed: Band | str, unit: str = ""
    ) -> Finding:
        say = self._words(value, allowed) if status != "unknown" else self.unknown or self.high
        low, high = (None, None) if isinstance(allowed, str) else allowed
        slots = {
            "value": f"{value:.{self.digits}f}" if isinstance(value, float) else value or "?",
            "low": _format_end(low),
            "high": _format_end(high),
            "allowed": allowed,
        }
        advice = say.advice.format(**slots)
        return Finding(
            code=self.code,
            status=status,
            value=value,
            limit=allowed,
            unit=unit,
            clause=self.clause,
            message=f"{say.zh.format(**slots)}：{advice}",
            message_en=f"{say.en.format(**slots)}: {say.advice_en.format(**slots)}",
            advice=advice,
        )

    def _words(self, value: float | str | None, allowed: Band | str) -> Say:
        if not isinstance(value, float) or isinstance(allowed, str) or self.low is None:
            return self.high
        return self.low if allowed[0] is not None and value < allowed[0] else self.high


def _format_end(end: float | None) -> str:
    return "" if end is None else f"{end:g}"
