"""colour.unnatural: skin and eyes have their natural colour."""

from __future__ import annotations

from imagecheck.analysis import Analysis
from imagecheck.measures.eyes import Eyes
from imagecheck.measures.focus import is_blocky
from imagecheck.measures.skin import Skin
from imagecheck.rules.base import Measured, Rule, Say

_SKIN_A, _SKIN_B = (3.0, 24.0), (3.0, 31.0)
_WHITE_A, _WHITE_B = (-4.0, 14.0), (-8.0, 20.0)
"""(a*, b*) beyond which cheeks and white of the eye speak of a cast when both leave on the same
side. Warm and rosy light, flushed cheeks and lenses move one of them this far in one portrait of
five, both in one of twenty, by 1.5 at most; casts move both by 2.7 and more."""
_BARE_SLACK = 10.0
"""Cheeks alone, where no white is seen, must lie so much further outside."""
_OPEN_EYES, _RED_EYES = 0.25, 0.1


def _measure(analysis: Analysis) -> Measured:
    skin, eyes = analysis.part(Skin), analysis.part(Eyes)
    if skin.is_in_one_tint:
        return None  # another rule's business
    cheeks = _leave(float(skin.colour[1]), _SKIN_A), _leave(float(skin.colour[2]), _SKIN_B)
    white = None if is_blocky(analysis) else eyes.white_colour()
    if white is None or eyes.openness() < _OPEN_EYES or eyes.red_share > _RED_EYES:
        return max(0.0, *(abs(way) - _BARE_SLACK for way in cheeks))
    whites = _leave(white[0], _WHITE_A), _leave(white[1], _WHITE_B)
    return max(_share(*both) for both in zip(cheeks, whites, strict=True))


def _leave(value: float, band: tuple[float, float]) -> float:
    """How far a value lies above its band, or, below zero, under it."""
    return max(0.0, value - band[1]) - max(0.0, band[0] - value)


def _share(one: float, other: float) -> float:
    """What two values have in common when they leave on the same side, else nothing."""
    return min(abs(one), abs(other)) if one * other > 0 else 0.0


RULE = Rule(
    code="colour.unnatural",
    clause="色彩真实自然",
    method=(
        "How far (a*, b*) of the cheeks and of the white of the eye both leave the range of people "
        "in ordinary light, on the same side; the weaker of the two counts."
    ),
    measurement="colour_cast",
    measure=_measure,
    high=Say(
        "照片颜色不自然，整体偏色",
        "请在白天的自然光下重拍，不要用滤镜",
        "the colours of the photo are off",
        "take it again in daylight without a filter",
        hint="照片颜色可能有些偏",
        hint_en="the colours of the photo may be off",
    ),
    digits=1,
)
