"""glasses.tinted: lenses are clear."""

from __future__ import annotations

from imagecheck.analysis import Analysis
from imagecheck.measures.focus import is_blocky
from imagecheck.measures.glasses import Glasses
from imagecheck.rules.base import Measured, Rule, Say

_BRIDGE_L = 6.7
"""An edge of this strength across the nose root is a bridge of glasses, L* units."""

_COLOUR_WEIGHT = 0.04
_BARE_WEIGHT = 0.95
"""Without a frame to prove glasses the darkening must be a little stronger."""
_WHITE_SEEN, _DOUBTFUL = 0.65, 0.39
"""White of an eye this bright, over the skin's L*, is seen through clear glass: then deep sockets
and make-up only ask for a look. Of 15 pairs of tinted lenses the clearest leave 0.58, of 240
portraits all with so dark sockets have 0.69."""


def _measure(analysis: Analysis) -> Measured:
    glasses = analysis.part(Glasses)
    bare = 1 - glasses.bare_lens_lightness()
    dark = _BARE_WEIGHT * bare
    if glasses.bridge() > _BRIDGE_L:
        # deep sockets are darker than the cheek alone, lenses darker than all of the face
        dark = max(dark, (bare + 1 - glasses.lens_lightness()) / 2)
    colour = 0.0 if is_blocky(analysis) else _COLOUR_WEIGHT * glasses.lens_colour()
    tint = max(dark, colour)
    return min(tint, _DOUBTFUL) if glasses.lightest_white() > _WHITE_SEEN else tint


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
        "眼镜片带颜色",
        "请摘下墨镜或有色眼镜，换成透明镜片再拍",
        "the glasses are tinted",
        "take them off or wear clear ones",
        hint="眼镜片可能带颜色",
        hint_en="the glasses may be tinted",
    ),
    digits=2,
)
