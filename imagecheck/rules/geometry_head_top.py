"""geometry.head_top: the distance of the hair top to the upper edge."""

from __future__ import annotations

from imagecheck.analysis import Analysis
from imagecheck.rules.base import UNKNOWN, Measured, Rule, Say


def _measure(analysis: Analysis) -> Measured:
    top = analysis.hair_top_px
    return UNKNOWN if top is None else top


RULE = Rule(
    code="geometry.head_top",
    clause="头顶发际距上边沿 50-110 像素",
    method=(
        "First row of hair above the face, by keying the plain wall; 0 where hair that the upper "
        "edge cuts off is why it does not seem plain."
    ),
    measurement="head_top_px",
    measure=_measure,
    low=Say(
        "头顶太靠近照片上边，只有 {value} 像素，应为 {low} 到 {high} 像素",
        "请离镜头远一点，在头顶上方多留些空白",
        "there are {value} pixels above the head instead of {low} to {high}",
        "step back and leave more room above the head",
    ),
    high=Say(
        "头顶上方空得太多，有 {value} 像素，应为 {low} 到 {high} 像素",
        "请离镜头近一点，或者把手机放低一点",
        "there are {value} pixels above the head instead of {low} to {high}",
        "come closer or lower the phone",
    ),
    unknown=Say(
        "背景不够干净，看不出头顶的位置",
        "请换一面干净的单色墙重拍，或者等老师审核",
        "the head top cannot be told from the background",
        "use a clean wall of one colour, or wait for the reviewer",
    ),
)
