"""frame.border: the photo has no border."""

from __future__ import annotations

from imagecheck.analysis import Analysis
from imagecheck.measures.focus import is_lost_in_blur
from imagecheck.measures.marks import measure_border
from imagecheck.rules.base import Measured, Rule, Say


def _measure(analysis: Analysis) -> Measured:
    if analysis.face is not None and is_lost_in_blur(analysis):
        return None  # filters that blur leave lines at the edge
    return measure_border(analysis)


RULE = Rule(
    code="frame.border",
    clause="照片无边框",
    method=(
        "Length share of a straight edge line times evenness of the strip outside it, at "
        "depths of 1-39 px."
    ),
    measurement="border",
    measure=_measure,
    high=Say(
        "照片四周有边框",
        "请去掉边框，上传没有加工过的原图",
        "the photo has a border",
        "send the original without it",
    ),
    needs="picture",
    digits=2,
)
