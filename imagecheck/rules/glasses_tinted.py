"""glasses.tinted: lenses are clear."""

from imagecheck.analysis import Analysis
from imagecheck.measures.focus import is_blocky
from imagecheck.measures.glasses import Glasses
from imagecheck.rules.base import Measured, Rule, Say

_BRIDGE_L = 6.7
"""An edge of this strength across the nose root is a bridge of glasses, L* units."""

_COLOUR_WEIGHT = 0.04
_BARE_WEIGHT = 0.95
"""Without a frame to prove glasses the darkening must be a little stronger."""


def _measure(analysis: Analysis) -> Measured:
    glasses = analysis.part(Glasses)
    bare = 1 - glasses.bare_lens_lightness()
    dark = _BARE_WEIGHT * bare
    if glasses.bridge() > _BRIDGE_L:
        # deep sockets are darker than the cheek alone, lenses darker than all of the face
        dark = max(dark, (bare + 1 - glasses.lens_lightness()) / 2)
    colour = 0.0 if is_blocky(analysis) else _COLOUR_WEIGHT * glasses.lens_colour()
    return max(dark, colour)


RULE = Rule(
    code="glasses.tinted",
    clause="不得佩戴有色眼镜",
    method=(
        "Darkening under the lens against cheek, forehead and nose, where a bridge says glasses "
        "the mean of that and of the cheek alone, or a colour of its own (0.04 a unit of "
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
