"""focus.low_resolution: the pixels are real."""

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
        "照片像素被放大或过度压缩",
        "请用高清原图，不要截屏或反复转发",
        "the pixels are enlarged or over-compressed",
        "use the original in full size, no screenshot",
    ),
    digits=1,
)
