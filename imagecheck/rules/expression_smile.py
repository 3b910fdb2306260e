"""expression.smile: the expression is natural."""

from imagecheck.analysis import Analysis
from imagecheck.measures.posture import measure_smile
from imagecheck.rules.base import Measured, Rule, Say


def _measure(analysis: Analysis) -> Measured:
    return measure_smile(analysis)


RULE = Rule(
    code="expression.smile",
    clause="表情自然",
    method="Mouth width over jaw width, and lift of the corners.",
    measurement="smile",
    measure=_measure,
    high=Say(
        "笑容过大",
        "请保持自然表情，不要露齿",
        "the smile is too wide",
        "keep a natural expression without showing teeth",
    ),
    digits=2,
)
