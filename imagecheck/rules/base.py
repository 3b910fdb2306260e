"""What a rule is: a measurement, a limit from the profile, and the words for both sides of it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from imagecheck.analysis import Analysis
from imagecheck.report import Band, Finding, Mode, Status, write_sentence
from imagecheck.rules.wording import describe, fill_slots

Needs = Literal["file", "picture", "face"]


class UnknownType:
    """The type of ``UNKNOWN``: the measurement's precondition is missing."""


UNKNOWN = UnknownType()


@dataclass(frozen=True, slots=True)
class Say:
    """What to tell about a value on one side of the band.

    The texts may use ``{value}``, its ``{size}`` without sign, ``{low}`` and ``{high}``; only
    pixels and degrees help a student, all other numbers stand in the details. The two parts become
    one sentence, so neither ends with a stop.

    Attributes:
        zh: Chinese, the fact: what is wrong.
        advice: Chinese: what to do about it, beginning with 请.
        en, advice_en: the same in English.
        hint, hint_en: the fact where it is in doubt and only asks for a look; empty when it is no
            matter of doubt.
    """

    zh: str
    advice: str
    en: str
    advice_en: str
    hint: str = ""
    hint_en: str = ""


@dataclass(frozen=True, slots=True)
class Stated:
    """A fact that is no number, and what it should have been.

    Attributes:
        status: ``fail`` or ``warn``.
        value: what was found.
        allowed: what the standard wants.
        say: words for this fact, where the rule knows several; else those of the rule.
    """

    status: Status
    value: str
    allowed: str
    say: Say | None = None


Measured = float | Stated | UnknownType | None
"""A value; a fact in words; ``UNKNOWN`` asks for a human look; ``None``: nothing to object to, or
the rule does not apply."""


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
            say = value.say or self.high
            return self._find(value.status, value.value, value.allowed, say), None
        limit = analysis.profile.limit(self.code)
        if isinstance(value, UnknownType):
            say = self.unknown or self.high
            return self._find("unknown", None, limit.tightest, say, limit.unit), None
        value = float(value)
        status = limit.judge(value)
        if status == "pass":
            return None, value
        band = limit.band_for(status)
        is_low = band[0] is not None and value < band[0]
        say = self.low if self.low is not None and is_low else self.high
        return self._find(status, value, band, say, limit.unit), value

    def _find(
        self,
        status: Status,
        value: float | str | None,
        allowed: Band | str,
        say: Say,
        unit: str = "",
    ) -> Finding:
        slots = fill_slots(value, allowed, self.digits)
        advice = say.advice.format(**slots)
        is_doubt = status == "warn" and bool(say.hint)
        fact = (say.hint if is_doubt else say.zh).format(**slots)
        fact_en = (say.hint_en if is_doubt else say.en).format(**slots)
        advice_en = say.advice_en.format(**slots)
        return Finding(
            code=self.code,
            status=status,
            value=value,
            limit=allowed,
            unit=unit,
            clause=self.clause,
            message=write_sentence(fact, f"如果是这样，{advice}" if is_doubt else advice),
            message_en=write_sentence(
                fact_en, f"if so, {advice_en}" if is_doubt else advice_en, language="en"
            ),
            advice=advice,
            details=describe(slots, unit, "zh"),
            details_en=describe(slots, unit, "en"),
        )
