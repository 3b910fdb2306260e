"""file.quality: the file is not compressed below quality 60."""

from __future__ import annotations

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
        "照片压缩得太厉害，画质受损",
        "请用手机里的原图重新生成",
        "the photo is compressed too strongly",
        "make it from the original again",
    ),
    needs="file",
    modes=("final",),
)
