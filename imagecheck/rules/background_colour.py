"""background.colour: the wall has one of the allowed colours."""

from __future__ import annotations

from imagecheck.analysis import Analysis
from imagecheck.measures.backdrop import Backdrop
from imagecheck.rules.base import Measured, Rule, Say


def _measure(analysis: Analysis) -> Measured:
    backdrop = analysis.part(Backdrop)
    if not backdrop.is_visible:
        return None
    profile = analysis.profile
    return min(
        backdrop.distance_to(rgb) / profile.ground_tolerances[name]
        for name, rgb in profile.grounds.items()
    )


RULE = Rule(
    code="background.colour",
    clause="背景为浅蓝、白或浅灰色（以学校要求为准）",
    method=(
        "CIE76 of the wall's median to the nearest allowed reference, over that reference's "
        "tolerance: 25 for blue (studio blues are deeper), 10 for white and grey."
    ),
    measurement="wall_colour",
    measure=_measure,
    high=Say(
        "背景颜色不符合要求",
        "请换到学校要求的浅蓝色、白色或浅灰色背景前重拍",
        "the background has a colour that is not allowed",
        "take the photo before a light blue, white or light grey wall as the college wants",
        hint="背景颜色可能不符合要求",
        hint_en="the background may have a colour that is not allowed",
    ),
    digits=1,
)
