"""glasses.glare: lenses do not shine."""

from __future__ import annotations

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
        "镜片反光，挡住了眼睛",
        "请稍微低一点头或换个方向的光，直到镜片不反光",
        "light on the glasses hides the eyes",
        "move the light or the head a little until the glasses are clear",
        hint="镜片可能反光",
        hint_en="there may be light on the glasses",
    ),
    digits=2,
)
