"""clothing.blends: clothes stand out from the wall."""

from __future__ import annotations

from imagecheck.analysis import Analysis
from imagecheck.measures.clothing import measure_blend
from imagecheck.rules.base import Measured, Rule, Say


def _measure(analysis: Analysis) -> Measured:
    return analysis.part(measure_blend)


RULE = Rule(
    code="clothing.blends",
    clause="服装与背景颜色区分明显",
    method="Share of the lowest rows beside the collar within 12 CIE76 of the wall.",
    measurement="clothing_blend",
    measure=_measure,
    high=Say(
        "衣服颜色和背景太接近",
        "请换一件和背景颜色明显不同的上衣",
        "the clothes have the colour of the background",
        "wear a top that stands out from it",
        hint="衣服颜色可能和背景太接近",
        hint_en="the clothes may be too close to the background in colour",
    ),
    digits=2,
)
