"""light.dark: the face is bright enough."""

from __future__ import annotations

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
        "脸上太暗",
        "请面向窗户或灯光，在亮的地方重拍",
        "the face is too dark",
        "turn to a window or lamp and take it again",
        hint="脸上可能太暗",
        hint_en="the face may be too dark",
    ),
    high=Say(
        "脸上太暗",
        "请面向窗户或灯光，在亮的地方重拍",
        "the face is too dark",
        "turn to a window or lamp and take it again",
        hint="脸上可能太暗",
        hint_en="the face may be too dark",
    ),
)
