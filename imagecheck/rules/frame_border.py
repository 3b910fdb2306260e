"""frame.border: the photo has no border."""

from imagecheck.analysis import Analysis
from imagecheck.measures.marks import measure_border
from imagecheck.rules.base import Measured, Rule, Say


def _measure(analysis: Analysis) -> Measured:
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
        "照片带有边框",
        "请裁去边框后重新上传",
        "the photo has a border",
        "cut the border off",
    ),
    needs="picture",
    digits=2,
)
