"""background.uneven: the wall is even."""

from __future__ import annotations

from imagecheck.analysis import Analysis
from imagecheck.measures.backdrop import Backdrop
from imagecheck.rules.base import Measured, Rule, Say


def _measure(analysis: Analysis) -> Measured:
    backdrop = analysis.part(Backdrop)
    return backdrop.unevenness if backdrop.is_visible else None


RULE = Rule(
    code="background.uneven",
    clause="背景均匀，无渐变",
    method="The worst of spread, left against right, and mottling, CIE76.",
    measurement="wall_unevenness",
    measure=_measure,
    high=Say(
        "背景深浅不一",
        "请换一面干净、光线均匀的单色墙重拍",
        "the background is uneven",
        "use a clean, evenly lit wall of one colour",
        hint="背景可能深浅不一",
        hint_en="the background may be uneven",
    ),
    digits=1,
)
