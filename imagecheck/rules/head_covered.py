"""head.covered: the head is bare."""

from imagecheck.analysis import Analysis
from imagecheck.measures.hair import NO_TEXTURE_SEEN, Hair
from imagecheck.rules.base import Measured, Rule, Say

_HEM_DELTA_E = 8.0
_COLOUR_DELTA_E = 3.0
_TEXTURE = 1.4
_FOREHEAD = 1.3


def _measure(analysis: Analysis) -> Measured:
    hair = analysis.part(Hair)
    texture = hair.cover_texture()
    signs = (
        hair.hem() / _HEM_DELTA_E if texture <= NO_TEXTURE_SEEN else 0.0,
        hair.cover_colour() / _COLOUR_DELTA_E,
        _TEXTURE / max(texture, 0.1),
        hair.hairline / _FOREHEAD,
    )
    return float(max(signs))


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
