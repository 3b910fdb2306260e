"""expression.smile: the expression is natural."""

from __future__ import annotations

from imagecheck.analysis import Analysis
from imagecheck.measures.posture import measure_smile
from imagecheck.rules.base import Measured, Rule, Say


def _measure(analysis: Analysis) -> Measured:
    return measure_smile(analysis)


RULE = Rule(
    code="expression.smile",
    clause="表情自然",
    method="Mean of the learned signs of a smile at both corners of the mouth.",
    measurement="smile",
    measure=_measure,
    high=Say(
        "笑得太明显",
        "请合上嘴唇，保持自然的表情再拍",
        "the smile is too wide",
        "close the lips and keep a natural expression",
        hint="笑得可能太明显",
        hint_en="the smile may be too wide",
    ),
    digits=2,
)
