"""focus.blurred: the face is in focus."""

from imagecheck.analysis import Analysis
from imagecheck.measures.focus import measure_blur
from imagecheck.rules.base import Measured, Rule, Say


def _measure(analysis: Analysis) -> Measured:
    return measure_blur(analysis)


RULE = Rule(
    code="focus.blurred",
    clause="图像清晰，对焦准确",
    method="Share of the strongest edges that survives another blur, in the worse direction.",
    measurement="blur",
    measure=_measure,
    high=Say(
        "照片模糊（{value}，允许 {high}）",
        "请擦净镜头，拿稳手机，对焦后再拍",
        "the photo is blurred ({value}, {high} allowed)",
        "clean the lens, hold still and focus",
    ),
    digits=2,
)
