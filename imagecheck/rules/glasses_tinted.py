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
_CLEAR_THROUGH, _THROUGH_WEIGHT = 1.12, 0.476
"""So that little light through fails below 0.28 and asks below 0.385: of 279 people with drawn
clear glasses the least are 0.33, the next 0.35; the man with the darkest sockets has 0.34."""
_FRINGE_L, _FRINGE_THROUGH = 1.2, 0.1
"""A forehead by so much darker than the skin under the lens is hair, which may hang lower."""
_STEP, _STEP_LEEWAY = 0.19, 0.1
"""Where skin lightens so much in a step below both eyes, a lens ends, with a rim or without: then
it fails below 0.38 and asks below 0.485. Without a tint such dim eyes step by 0.13 at the most,
behind heavy frames by 0.16; drawn light grey lenses by 0.21 and more, with up to 0.36 through."""
_STEP_THROUGH = 0.485
"""With more light through, an edge would not even ask."""
_HALF_THROUGH = 0.5
"""With more light through, a colour only asks: of 279 people whose drawn clear lenses shine blue
the least are 0.51."""
_ONE_SIDED = 2.0
"""Of 279 people without such a lens one has an eye 1.8 times darker, in skin and white; a lock of
hair does the same."""
_WHITE_SEEN, _DOUBTFUL = 0.65, 0.39
"""White of an eye this bright, over the skin's L*, is seen through clear glass: then deep sockets
and make-up only ask for a look. Of 15 pairs of tinted lenses the clearest leave 0.58, of 240
portraits all with so dark sockets have 0.69."""


def _measure(analysis: Analysis) -> Measured:
    glasses = analysis.part(Glasses)
    dark = _measure_darkness(glasses)
    if max(glasses.whites) > _WHITE_SEEN:
        dark = min(dark, _DOUBTFUL)
    colour = 0.0 if is_blocky(analysis) else _COLOUR_WEIGHT * glasses.lens_colour()
    if glasses.light_through > _HALF_THROUGH:
        colour = min(colour, _DOUBTFUL)
    return max(dark, colour)


def _measure_darkness(glasses: Glasses) -> float:
    lightness = glasses.bare_lens_lightness()
    bare = 1 - lightness
    through = glasses.light_through + (_FRINGE_THROUGH if lightness > _FRINGE_L else 0.0)
    has_edge = through < _STEP_THROUGH and glasses.lens_step() > _STEP
    signs = [_BARE_WEIGHT * bare]
    if glasses.bridge() > _BRIDGE_L:
        # deep sockets are darker than the cheek alone, lenses darker than all of the face
        signs.append((bare + 1 - glasses.lens_lightness()) / 2)
        signs.append(_THROUGH_WEIGHT * (_CLEAR_THROUGH - through))
        if glasses.one_sidedness() > _ONE_SIDED:
            signs.append(_DOUBTFUL)
    if has_edge:
        signs.append(_THROUGH_WEIGHT * (_CLEAR_THROUGH + _STEP_LEEWAY - through))
    return max(signs)


RULE = Rule(
    code="glasses.tinted",
    clause="不得佩戴有色眼镜",
    method=(
        "Darkening under the lens against cheek, forehead and nose, where a bridge says glasses "
        "also the mean of that and of the cheek alone, or how little light skin and white of the "
        "eye show together (more of it counts where skin lightens in a step below both eyes), or "
        "the colour that both share (0.04 a unit of (a*, b*)), of the weaker lens; one dark lens "
        "asks."
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
