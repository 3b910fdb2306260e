"""light.dark: the face is bright enough."""

from imagecheck.analysis import Analysis
from imagecheck.measures.eyes import Eyes
from imagecheck.measures.skin import Skin
from imagecheck.rules.base import Measured, Rule, Say

_SKIN_BELOW_EYE = 4.0
"""The brightest skin must outshine the white of an eye by this much before it speaks for it."""


def _measure(analysis: Analysis) -> Measured:
    skin, eyes = analysis.part(Skin), analysis.part(Eyes)
    return max(eyes.white(), skin.brightest() - _SKIN_BELOW_EYE)


RULE = Rule(
    code="light.dark",
    clause="光线充足",
    method=(
        "L* of the white of the eye or of the brightest skin: both tell the exposure on any "
        "skin colour."
    ),
    measurement="white_of_eye",
    measure=_measure,
    low=Say(
        "面部太暗（亮度 {value}，应不低于 {low}）",
        "请面向光源，在明亮处重新拍摄",
        "the face is too dark ({value}, at least {low} wanted)",
        "face the light in a bright place",
    ),
    high=Say(
        "面部太暗",
        "请面向光源，在明亮处重新拍摄",
        "the face is too dark",
        "face the light in a bright place",
    ),
)
