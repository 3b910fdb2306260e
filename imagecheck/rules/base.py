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
Measured = float | UnknownType | None
"""A value; ``UNKNOWN`` asks for a human look; ``None`` means that the rule does not apply."""


@dataclass(frozen=True, slots=True)
class Say:
    """What to tell about a value on one side of the band.

    The texts may use ``{value}``, ``{low}`` and ``{high}``.

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
        limit: name in the profile's table, the code unless said otherwise.
        digits: digits after the point in the message.
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
    limit: str = ""
    digits: int = 0

    @property
    def limit_name(self) -> str:
        """Name of the rule's limit in the profile."""
        return self.limit or self.code

    def judge(self, analysis: Analysis) -> tuple[Finding | None, float | None]:
        """The finding, if there is one, and the value, if it could be measured."""
        value = self.measure(analysis)
        limit = analysis.profile.limit(self.limit_name)
        if value is None:
            return None, None
        if isinstance(value, UnknownType):
            band = limit.band_for("fail" if limit.fail != (None, None) else "warn")
            return self._finding("unknown", None, band, limit.unit), None
        value = float(value)
        status = limit.judge(value)
        if status == "pass":
            return None, value
        return self._finding(status, value, limit.band_for(status), limit.unit), value

    def _finding(self, status: Status, value: float | None, band: Band, unit: str) -> Finding:
        say = self._words(status, value, band)
        slots = {
            "value": "?" if value is None else f"{value:.{self.digits}f}",
            "low": _format_end(band[0]),
            "high": _format_end(band[1]),
        }
        zh, advice = say.zh.format(**slots), say.advice.format(**slots)
        en, advice_en = say.en.format(**slots), say.advice_en.format(**slots)
        return Finding(
            code=self.code,
            status=status,
            value=value,
            limit=band,
            unit=unit,
            clause=self.clause,
            message=f"{zh}：{advice}",
            message_en=f"{en}: {advice_en}",
            advice=advice,
        )

    def _words(self, status: Status, value: float | None, band: Band) -> Say:
        if status == "unknown":
            return self.unknown or self.high
        is_low = value is not None and band[0] is not None and value < band[0]
        return self.low if is_low and self.low is not None else self.high


def _format_end(end: float | None) -> str:
    return "" if end is None else f"{end:g}"
