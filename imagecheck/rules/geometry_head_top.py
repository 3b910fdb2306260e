"""geometry.head_top: the distance of the hair top to the upper edge."""

from imagecheck.analysis import Analysis
from imagecheck.rules.base import UNKNOWN, Measured, Rule, Say


def _measure(analysis: Analysis) -> Measured:
    top = analysis.hair_top_px
    return UNKNOWN if top is None else top


RULE = Rule(
    code="geometry.head_top",
    clause="头顶发际距上边沿 50-110 像素",
    method="First row of hair above the face, by keying the plain wall.",
    measurement="head_top_px",
    measure=_measure,
    low=Say(
        "头顶到上边 {value} px，应为 {low}-{high} px",
        "请离镜头远一点，在头顶上方多留空白",
        "the head top is {value} px from the upper edge, {low}-{high} px wanted",
        "step back and leave more room above the head",
    ),
    high=Say(
        "头顶到上边 {value} px，应为 {low}-{high} px",
        "请离镜头近一点，减少头顶上方的空白",
        "the head top is {value} px from the upper edge, {low}-{high} px wanted",
        "move closer so that less room is left above the head",
    ),
    unknown=Say(
        "背景不均匀，无法测量头顶到上边的距离（应为 {low}-{high} px）",
        "请换一面干净的纯色墙面",
        "the wall is not plain, so the head top cannot be measured ({low}-{high} px wanted)",
        "use a clean plain wall",
    ),
)
