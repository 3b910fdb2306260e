"""focus.blurred: the face is in focus."""

from __future__ import annotations

from imagecheck.analysis import Analysis
from imagecheck.measures.focus import measure_blur
from imagecheck.rules.base import Measured, Rule, Say


def _measure(analysis: Analysis) -> Measured:
    return analysis.part(measure_blur)


RULE = Rule(
    code="focus.blurred",
    clause="图像清晰，对焦准确",
    method=(
        "Share of the strongest edges that survives another blur, in the worst of four directions."
    ),
    measurement="blur",
    measure=_measure,
    high=Say(
        "照片不清晰",
        "请擦干净镜头，拿稳手机，等画面清楚了再拍",
        "the photo is blurred",
        "clean the lens, hold the phone still and focus",
        hint="照片可能不够清晰",
        hint_en="the photo may be blurred",
    ),
    digits=2,
)
