"""light.uneven: both sides of the face are lit alike."""

from imagecheck.analysis import Analysis
from imagecheck.measures.skin import Skin
from imagecheck.rules.base import Measured, Rule, Say


def _measure(analysis: Analysis) -> Measured:
    return analysis.part(Skin).cheek_ratio()


RULE = Rule(
    code="light.uneven",
    clause="面部光线均匀",
    method="Luminance of the darker cheek over the lighter one.",
    measurement="cheek_ratio",
    measure=_measure,
    low=Say(
        "面部两侧明暗不均（{value}，应不低于 {low}）",
        "请让光线从正面均匀照亮脸部",
        "the face is lit unevenly ({value}, at least {low} wanted)",
        "let the light come from the front",
    ),
    high=Say(
        "面部两侧明暗不均",
        "请让光线从正面均匀照亮脸部",
        "the face is lit unevenly",
        "let the light come from the front",
    ),
    digits=2,
)
