"""face.none: there is a face."""

from __future__ import annotations

from imagecheck.analysis import Analysis
from imagecheck.measures.skin import Skin
from imagecheck.rules.base import Measured, Rule, Say

_FLAT_EYES, _FLAT_MOUTH = 0.25, 0.15
"""Half of the flattest faces; a wiped face has 0.13 and 0.08."""
_DARK_L = 20.0
"""Below it all is flat, and too dark."""


def _measure(analysis: Analysis) -> Measured:
    if analysis.search.turned_deg:
        return None
    faces = len(analysis.faces)
    return 0.0 if faces == 1 and _is_blank(analysis) else float(faces)


def _is_blank(analysis: Analysis) -> bool:
    """Whether nothing is where eyes and mouth should be: the outline of a head fooled the nets."""
    skin = analysis.part(Skin)
    return (
        skin.relief_of_mouth() < _FLAT_MOUTH
        and skin.relief_of_eyes() < _FLAT_EYES
        and float(skin.colour[0]) > _DARK_L
    )


RULE = Rule(
    code="face.none",
    clause="被采集人正面像",
    method=(
        "Face detectors for near and far faces, confirmed by the landmarks; a head without eyes "
        "and mouth is none."
    ),
    measurement="faces",
    measure=_measure,
    low=Say(
        "照片里没有找到正面的脸",
        "请面对镜头，在亮的地方重拍",
        "no face was found from the front",
        "face the camera and take it again in a bright place",
    ),
    high=Say(
        "照片里没有找到正面的脸",
        "请面对镜头，在亮的地方重拍",
        "no face was found from the front",
        "face the camera and take it again in a bright place",
    ),
    needs="picture",
)
