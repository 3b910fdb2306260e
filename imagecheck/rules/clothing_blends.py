"""clothing.blends: clothes stand out from the wall."""

from imagecheck.analysis import Analysis
from imagecheck.measures.clothing import measure_blend
from imagecheck.rules.base import Measured, Rule, Say


def _measure(analysis: Analysis) -> Measured:
    return measure_blend(analysis)


RULE = Rule(
    code="clothing.blends",
    clause="服装与背景颜色区分明显",
    method="Share of the lowest rows beside the collar within 12 CIE76 of the wall.",
    measurement="clothing_blend",
    measure=_measure,
    high=Say(
        "衣服颜色与背景太接近",
        "请换一件与背景颜色反差明显的上衣",
        "the clothes have the colour of the wall",
        "wear a top that stands out from the wall",
    ),
    digits=2,
)
