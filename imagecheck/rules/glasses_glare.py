"""glasses.glare: lenses do not shine."""

from imagecheck.analysis import Analysis
from imagecheck.measures.glasses import Glasses
from imagecheck.rules.base import Measured, Rule, Say


def _measure(analysis: Analysis) -> Measured:
    return analysis.part(Glasses).glare_share()


RULE = Rule(
    code="glasses.glare",
    clause="镜片无反光",
    method="White share of the box around the eye, less that of the cheeks.",
    measurement="lens_glare_share",
    measure=_measure,
    high=Say(
        "镜片反光遮挡眼睛",
        "请调整光源或头部角度，消除镜片反光",
        "light on the lenses hides the eyes",
        "move the light or the head until the lenses are clear",
    ),
    digits=2,
)
