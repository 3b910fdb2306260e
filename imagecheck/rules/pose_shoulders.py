"""pose.shoulders: the shoulders are level."""

from imagecheck.analysis import Analysis
from imagecheck.measures.posture import measure_shoulders
from imagecheck.rules.base import Measured, Rule, Say


def _measure(analysis: Analysis) -> Measured:
    return measure_shoulders(analysis) if analysis.wall.is_plain else None


RULE = Rule(
    code="pose.shoulders",
    clause="双肩等高",
    method="Where the body begins in columns at both sides, over the face width.",
    measurement="shoulder_tilt",
    measure=_measure,
    high=Say(
        "双肩不等高（相差 {value} 个脸宽）",
        "请坐直，放松双肩并保持水平",
        "the shoulders are not level ({value} face widths)",
        "sit upright with relaxed, level shoulders",
    ),
    digits=2,
)
