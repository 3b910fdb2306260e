"""face.multiple: there is only one face."""

from __future__ import annotations

from imagecheck.analysis import Analysis
from imagecheck.rules.base import Measured, Rule, Say


def _measure(analysis: Analysis) -> Measured:
    return float(len(analysis.faces)) or None


RULE = Rule(
    code="face.multiple",
    clause="背景中不得有其他人物",
    method="Faces that a detector and the landmarks both are sure of.",
    measurement="faces_sure",
    measure=_measure,
    high=Say(
        "照片里不止一个人",
        "请一个人拍，身后也不要有别人或人像画",
        "there is more than one person in the photo",
        "be alone in it, without portraits on the wall",
    ),
    needs="picture",
)
