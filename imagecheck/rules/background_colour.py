"""background.colour: the wall has one of the allowed colours."""

from imagecheck.analysis import Analysis
from imagecheck.measures.backdrop import Backdrop
from imagecheck.rules.base import Measured, Rule, Say

_CAPTURE_LIGHTNESS_WEIGHT = 0.5
"""A phone exposes for the face: a white wall comes out light grey. In the finished photo the
colour counts as it is."""


def _measure(analysis: Analysis) -> Measured:
    backdrop = analysis.part(Backdrop)
    if not backdrop.is_visible:
        return None
    profile = analysis.profile
    weight = _CAPTURE_LIGHTNESS_WEIGHT if analysis.mode == "capture" else 1.0
    return min(
        backdrop.distance_to(rgb, weight) / profile.ground_tolerances[name]
        for name, rgb in profile.grounds.items()
    )


RULE = Rule(
    code="background.colour",
    clause="背景为浅蓝、白或浅灰色（以学校要求为准）",
    method=(
        "CIE76 of the wall's median to the nearest allowed reference, over that reference's "
        "tolerance: 25 for blue (studio blues are deeper), 10 for white and grey; in capture "
        "mode lightness counts half."
    ),
    measurement="wall_colour",
    measure=_measure,
    high=Say(
        "背景颜色不符合要求（偏差为允许值的 {value} 倍）",
        "请换用浅蓝色、白色或浅灰色的背景",
        "the wall has no allowed colour ({value} times the tolerance)",
        "use a light blue, white or light grey wall",
    ),
    digits=1,
)
