"""face.covered: nothing hides mouth and nose."""

from __future__ import annotations

from imagecheck.analysis import Analysis
from imagecheck.measures.cover import Cover
from imagecheck.measures.skin import is_burnt_out
from imagecheck.rules.base import Measured, Rule, Say


def _measure(analysis: Analysis) -> Measured:
    lips = analysis.points[48:68]
    is_inside = (lips >= 0).all() and (lips < (analysis.width, analysis.height)).all()
    if not is_inside or is_burnt_out(analysis):
        return None
    return analysis.part(Cover).strength()


RULE = Rule(
    code="face.covered",
    clause="露出完整面部",
    method=(
        "Neither lips nor the line between them where the mouth should be, or beside it a colour "
        "far from both the forehead's and the nose's, or, where lips are missing, from that under "
        "the eyes; a faint mouth or a coloured chin asks."
    ),
    measurement="face_cover",
    measure=_measure,
    high=Say(
        "面部被口罩或其他物品遮挡",
        "请摘下口罩，移开遮挡物，露出整个面部",
        "the face is covered by a mask or something else",
        "take off the mask, or whatever hides the face, and show all of it",
        hint="面部可能被口罩或其他物品遮挡",
        hint_en="the face may be covered by a mask or something else",
    ),
    digits=2,
)
