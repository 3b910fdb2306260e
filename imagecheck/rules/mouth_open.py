"""mouth.open: the lips are closed."""

from __future__ import annotations

from imagecheck.analysis import Analysis
from imagecheck.measures.focus import is_lost_in_blur
from imagecheck.measures.posture import measure_mouth_gap
from imagecheck.measures.skin import is_burnt_out
from imagecheck.rules.base import Measured, Rule, Say

_WIDE_GAP = 0.12
"""No closed mouth looks so wide, however bad the picture is: guesses reach 0.10."""


def _measure(analysis: Analysis) -> Measured:
    lips = analysis.points[48:68, 0]
    if lips.min() < 0 or lips.max() > analysis.width:
        return None  # half a mouth tells nothing; face.cut_off says so
    gap = measure_mouth_gap(analysis)
    if gap < _WIDE_GAP and (is_lost_in_blur(analysis) or is_burnt_out(analysis)):
        return None  # there the landmarks guess; focus and light say so
    return gap


RULE = Rule(
    code="mouth.open",
    clause="嘴唇自然闭合",
    method="Distance of the inner lips over the eye-to-chin distance.",
    measurement="mouth_gap",
    measure=_measure,
    high=Say(
        "嘴张开了",
        "请自然闭上嘴唇再拍",
        "the mouth is open",
        "close the lips and take it again",
        hint="嘴可能没有闭上",
        hint_en="the mouth may be open",
    ),
    digits=3,
)
