"""pose.shoulders: the shoulders are level."""

from __future__ import annotations

from imagecheck.analysis import Analysis
from imagecheck.measures.posture import measure_shoulders
from imagecheck.rules.base import Measured, Rule, Say


def _measure(analysis: Analysis) -> Measured:
    return measure_shoulders(analysis) if analysis.wall.is_plain else None


RULE = Rule(
    code="pose.shoulders",
    clause="双肩等高",
    method="Where the body begins in columns at both sides of the neck, over the face width.",
    measurement="shoulder_tilt",
    measure=_measure,
    high=Say(
        "两边肩膀不一样高",
        "请坐直，放松双肩",
        "the shoulders are not level",
        "sit upright and relax them",
        hint="两边肩膀可能不一样高",
        hint_en="the shoulders may not be level",
    ),
    digits=2,
)
