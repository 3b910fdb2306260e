"""background.uneven: the wall is even."""

from imagecheck.analysis import Analysis
from imagecheck.measures.backdrop import Backdrop
from imagecheck.rules.base import Measured, Rule, Say


def _measure(analysis: Analysis) -> Measured:
    backdrop = analysis.part(Backdrop)
    return backdrop.unevenness() if backdrop.is_visible else None


RULE = Rule(
    code="background.uneven",
    clause="背景均匀，无渐变",
    method="The worst of spread, left against right, and mottling, CIE76.",
    measurement="wall_unevenness",
    measure=_measure,
    high=Say(
        "背景不均匀（色差 {value}，允许 {high}）",
        "请换一面干净、光线均匀的纯色墙面",
        "the wall is uneven ({value}, {high} allowed)",
        "use a clean, evenly lit plain wall",
    ),
    digits=1,
)
