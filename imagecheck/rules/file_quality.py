"""file.quality: the file is not compressed below quality 60."""

from imagecheck.analysis import Analysis
from imagecheck.rules.base import Measured, Rule, Say


def _measure(analysis: Analysis) -> Measured:
    return analysis.facts.quality


RULE = Rule(
    code="file.quality",
    clause="压缩品质系数不低于 60",
    method=(
        "Least squares of the luminance quantisation table to the scaled tables of ITU-T T.81 "
        "Annex K."
    ),
    measurement="file_quality",
    measure=_measure,
    high=Say(
        "压缩质量约 {value}，应不低于 {low}",
        "请用更高的质量重新保存原图",
        "the compression quality is about {value}, at least {low} wanted",
        "save the original with a higher quality",
    ),
    needs="file",
    modes=("final",),
)
