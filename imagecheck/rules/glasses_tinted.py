"""glasses.tinted: lenses are clear."""

from imagecheck.analysis import Analysis
from imagecheck.measures.glasses import Glasses
from imagecheck.rules.base import Measured, Rule, Say

_BRIDGE_L = 6.7
"""An edge of this strength across the nose root is a bridge of glasses, L* units."""

_COLOUR_WEIGHT = 0.04
_BARE_WEIGHT = 0.95
"""Without a frame to prove glasses the darkening must be a little stronger."""


def _measure(analysis: Analysis) -> Measured:
    glasses = analysis.part(Glasses)
    bare = _BARE_WEIGHT * (1 - glasses.bare_lens_lightness())
    dark = 1 - glasses.lens_lightness() if glasses.bridge() > _BRIDGE_L else 0.0
    return max(bare, dark, _COLOUR_WEIGHT * glasses.lens_colour())


RULE = Rule(
    code="glasses.tinted",
    clause="不得佩戴有色眼镜",
    method=(
        "Darkening under the lens against the free cheek where a bridge says glasses, against "
        "cheek, forehead and nose where none does, or a colour of its own (0.04 a unit of "
        "(a*, b*)), of the weaker lens."
    ),
    measurement="lens_tint",
    measure=_measure,
    high=Say(
        "眼镜镜片有颜色（{value}，允许 {high}）",
        "请摘下有色眼镜或墨镜，换成透明镜片",
        "the lenses are tinted ({value}, {high} allowed)",
        "take off tinted glasses or wear clear lenses",
    ),
    digits=2,
)
