"""head.covered: the head is bare."""

from __future__ import annotations

from imagecheck.analysis import Analysis
from imagecheck.measures.hair import Hair
from imagecheck.rules.base import Measured, Rule, Say

_HEM_DELTA_E = 21.5
_KNITTED_HEM_DELTA_E, _KNITTED_TEXTURE = 6.2, 2.6
"""Wool has hardly less texture than short hair (wool 1.9-2.4, hair from 1.8, mostly above 3), so a
weaker hem tells it; woollen hats have a hem from 6.9. Fringes are hems too, up to 21."""
_COLOUR_DELTA_E = 7.0
_TEXTURE = 1.4
_FOREHEAD, _SCARF_HEM_DELTA_E = 1.17, 3.5
"""In eye distances above the brows: heads with hair reach 1.06, a skin-coloured scarf begins at
1.35. High bald foreheads do too, but have no hem (at most 2.7, scarves from 4.7)."""
_WOUND_DELTA_E = 8.5
"""One cloth round the face: 78 drawn scarves of 39 people differ by at most 7.1 in themselves, 78
compliant photos of them by at least 16.5, 237 bare-headed portraits by at least 10.2."""


def _measure(analysis: Analysis) -> Measured:
    hair = analysis.part(Hair)
    texture, hem = hair.cover_texture(), hair.hem()
    is_knitted = texture <= _KNITTED_TEXTURE
    signs = (
        hem / (_KNITTED_HEM_DELTA_E if is_knitted else _HEM_DELTA_E),
        hair.cover_colour() / _COLOUR_DELTA_E,
        _TEXTURE / max(texture, 0.1),
        min(hair.hairline / _FOREHEAD, hem / _SCARF_HEM_DELTA_E),
        _WOUND_DELTA_E / max(hair.wound_cloth(), 1.0),
    )
    return float(max(signs))


RULE = Rule(
    code="head.covered",
    clause="免冠（宗教、医疗和民族头饰可保留，须露出完整面部）",
    method=(
        "The strongest of five signs, each over its limit: a hem of cloth across the forehead, a "
        "colour neither hair nor skin has, no texture of strands, skin colour with a hem far above "
        "any forehead, one colour on forehead, throat and both sides of the jaw. Bald heads show "
        "none."
    ),
    measurement="head_cover",
    measure=_measure,
    high=Say(
        "头上戴着帽子或头巾",
        "请摘下再拍，因宗教或医疗需要的可以保留，但要露出整张脸",
        "the head is covered",
        "take the hat off; a religious or medical cover may stay if the whole face shows",
        hint="头上可能戴着帽子或头巾",
        hint_en="the head may be covered",
    ),
    digits=2,
)
