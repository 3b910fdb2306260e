"""focus.low_resolution: the pixels are real."""

from imagecheck.analysis import Analysis
from imagecheck.measures.focus import measure_blocks
from imagecheck.rules.base import Measured, Rule, Say


def _measure(analysis: Analysis) -> Measured:
    return measure_blocks(analysis)


RULE = Rule(
    code="focus.low_resolution",
    clause="图像清晰，不得放大或过度压缩",
    method="How regularly steps recur in rows and columns: enlarged or over-compressed pixels.",
    measurement="block_grid",
    measure=_measure,
    high=Say(
        "照片像素被放大或过度压缩",
        "请用原图，不要截屏或反复转发",
        "the pixels are enlarged or over-compressed",
        "use the original, no screenshot",
    ),
    digits=1,
)
