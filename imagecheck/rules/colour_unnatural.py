"""colour.unnatural: skin and eyes have their natural colour."""

from imagecheck.analysis import Analysis
from imagecheck.measures.eyes import Eyes
from imagecheck.measures.focus import is_blocky
from imagecheck.measures.skin import Skin
from imagecheck.rules.base import Measured, Rule, Say

_SKIN_A, _SKIN_B = (1.0, 27.0), (0.0, 35.0)
"""Cheeks of all tuning people are within (7, 18) and (7, 23), official portraits in warm light
reach (24, 33)."""
_WHITE_A, _WHITE_B = (-2.0, 10.5), (-6.0, 12.5)
"""The white of the eye is within (-0.3, 9.5) and (-4.5, 10.8) on all of them, whatever the skin:
a cast that dark or pale skin swallows shows here."""
_OPEN_EYES, _RED_EYES = 0.33, 0.1


def _measure(analysis: Analysis) -> Measured:
    skin, eyes = analysis.part(Skin), analysis.part(Eyes)
    if skin.is_in_one_tint:
        return None  # another rule's business
    cast = _distance((float(skin.colour[1]), float(skin.colour[2])), _SKIN_A, _SKIN_B)
    white = None if is_blocky(analysis) else eyes.white_colour()
    if white is None or eyes.openness() < _OPEN_EYES or eyes.red_share() > _RED_EYES:
        return cast
    return max(cast, _distance(white, _WHITE_A, _WHITE_B))


def _distance(colour: tuple[float, float], a: tuple[float, float], b: tuple[float, float]) -> float:
    """How far (a*, b*) lies outside of a box, along the worse axis."""
    return max(a[0] - colour[0], colour[0] - a[1], b[0] - colour[1], colour[1] - b[1], 0.0)


RULE = Rule(
    code="colour.unnatural",
    clause="色彩真实自然",
    method=(
        "Distance of (a*, b*) of the cheeks from the range of human skin, and of the white of "
        "open eyes from its range."
    ),
    measurement="colour_cast",
    measure=_measure,
    high=Say(
        "照片偏色（偏离 {value}）",
        "请在白色自然光下拍摄，关闭滤镜",
        "the colours are unnatural (off by {value})",
        "use white daylight and no filter",
    ),
    digits=1,
)
