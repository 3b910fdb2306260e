"""light.uneven: both sides of the face are lit alike."""

from __future__ import annotations

from imagecheck.analysis import Analysis
from imagecheck.measures.skin import Skin
from imagecheck.rules.base import Measured, Rule, Say


def _measure(analysis: Analysis) -> Measured:
    return analysis.part(Skin).cheek_ratio()


RULE = Rule(
    code="light.uneven",
    clause="面部光线均匀",
    method="Luminance of the darker cheek over the lighter one.",
    measurement="cheek_ratio",
    measure=_measure,
    low=Say(
        "脸上一边亮一边暗",
        "请让光从正面照到脸上再拍",
        "one side of the face is darker",
        "let the light come from the front",
        hint="脸上可能一边亮一边暗",
        hint_en="one side of the face may be darker",
    ),
    high=Say(
        "脸上一边亮一边暗",
        "请让光从正面照到脸上再拍",
        "one side of the face is darker",
        "let the light come from the front",
        hint="脸上可能一边亮一边暗",
        hint_en="one side of the face may be darker",
    ),
    digits=2,
)
