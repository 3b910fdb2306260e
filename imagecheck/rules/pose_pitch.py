"""pose.pitch: the chin is neither raised nor lowered."""

from __future__ import annotations

from imagecheck.analysis import Analysis
from imagecheck.measures.posture import measure_pitch
from imagecheck.rules.base import Measured, Rule, Say


def _measure(analysis: Analysis) -> Measured:
    return measure_pitch(analysis)


RULE = Rule(
    code="pose.pitch",
    clause="头部端正，平视镜头",
    method=(
        "Heights of forehead, brows, nose, cheeks, ears, lip and chin below the eyes, and widths "
        "of nose and head, in units of four degrees, a standard deviation of compliant photos."
    ),
    measurement="pitch_score",
    measure=_measure,
    low=Say(
        "头低得太多",
        "请抬一点下巴，平视镜头",
        "the chin is too low",
        "raise it and look straight ahead",
        hint="头可能低得太多",
        hint_en="the chin may be too low",
    ),
    high=Say(
        "头抬得太高",
        "请收一点下巴，平视镜头",
        "the chin is too high",
        "lower it and look straight ahead",
        hint="头可能抬得太高",
        hint_en="the chin may be too high",
    ),
    digits=1,
)
