"""focus.low_resolution: the pixels are real."""

from __future__ import annotations

from imagecheck.analysis import Analysis
from imagecheck.measures.focus import measure_blocks
from imagecheck.rules.base import Measured, Rule, Say

_ENLARGEMENT_WEIGHT = 1.4
"""A capture that had to be enlarged 1.6 times reaches the limit."""


def _measure(analysis: Analysis) -> Measured:
    return max(analysis.part(measure_blocks), _ENLARGEMENT_WEIGHT * analysis.enlargement)


RULE = Rule(
    code="focus.low_resolution",
    clause="图像清晰，不得放大或过度压缩",
    method=(
        "How regularly steps recur in rows and columns: enlarged or over-compressed pixels; "
        "in capture mode also how far the photo had to be enlarged."
    ),
    measurement="block_grid",
    measure=_measure,
    high=Say(
        "照片被放大过或压缩得太厉害",
        "请用手机里的原图，不要用截图或转发过的照片",
        "the photo was enlarged or compressed too strongly",
        "use the original of the phone, no screenshot or forwarded copy",
        hint="照片可能被放大过或压缩得太厉害",
        hint_en="the photo may have been enlarged or compressed too strongly",
    ),
    digits=1,
)
