"""geometry.face_width: the width of the face."""

from imagecheck.analysis import Analysis
from imagecheck.rules.base import Measured, Rule, Say


def _measure(analysis: Analysis) -> Measured:
    return analysis.face_width_px


RULE = Rule(
    code="geometry.face_width",
    clause="脸部宽度 180-300 像素",
    method="Distance of jaw landmarks 0 and 16.",
    measurement="face_width_px",
    measure=_measure,
    low=Say(
        "脸宽 {value} px，应为 {low}-{high} px",
        "请离镜头近一点",
        "the face is {value} px wide, {low}-{high} px wanted",
        "move closer",
    ),
    high=Say(
        "脸宽 {value} px，应为 {low}-{high} px",
        "请离镜头远一点",
        "the face is {value} px wide, {low}-{high} px wanted",
        "step back",
    ),
)
