"""head.covered: the head is bare."""

from imagecheck.analysis import Analysis
from imagecheck.measures.hair import NO_TEXTURE_SEEN, Hair
from imagecheck.rules.base import Measured, Rule, Say

_HEM_DELTA_E = 8.0
_KNITTED_HEM_DELTA_E, _KNITTED_TEXTURE = 4.5, 3.0
"""Wool has hardly less texture than short hair (wool 2.0-2.4, hair from 1.8, mostly above 3), so a
weaker hem tells it: heads with so little texture reach 2.5, woollen hats begin at 5.9."""
_COLOUR_DELTA_E = 3.0
_TEXTURE = 1.4
_FOREHEAD = 1.17
"""In eye distances above the brows: bare heads reach 1.08, a skin-coloured scarf begins at 1.26."""


def _measure(analysis: Analysis) -> Measured:
    hair = analysis.part(Hair)
    texture = hair.cover_texture()
    signs = (
        _weigh_hem(hair, texture),
        hair.cover_colour() / _COLOUR_DELTA_E,
        _TEXTURE / max(texture, 0.1),
        hair.hairline / _FOREHEAD,
    )
    return float(max(signs))


def _weigh_hem(hair: Hair, texture: float) -> float:
    """The hem over its limit; hair with strands has none."""
    if texture > NO_TEXTURE_SEEN:
        return 0.0
    return hair.hem() / (_KNITTED_HEM_DELTA_E if texture <= _KNITTED_TEXTURE else _HEM_DELTA_E)


RULE = Rule(
    code="head.covered",
    clause="免冠（宗教、医疗和民族头饰可保留，须露出完整面部）",
    method=(
        "The strongest of four signs, each over its limit: a hem of cloth across the forehead, a "
        "colour no hair has, no texture of strands, skin colour far above any forehead. Bald "
        "heads show none."
    ),
    measurement="head_cover",
    measure=_measure,
    high=Say(
        "头上可能戴有帽子或头巾",
        "请摘下帽子，宗教或医疗头饰须露出完整面部",
        "the head seems to be covered",
        "take off the hat; religious or medical covers must leave the face free",
    ),
    digits=2,
)
