"""eyes.gaze: the eyes look at the camera."""

from __future__ import annotations

from imagecheck.analysis import Analysis
from imagecheck.measures.eyes import Eyes
from imagecheck.rules.base import Measured, Rule, Say


def _measure(analysis: Analysis) -> Measured:
    return analysis.part(Eyes).gaze()


RULE = Rule(
    code="eyes.gaze",
    clause="平视镜头",
    method="Place of the iris between the corners of the eye, mean of both, 0.5 straight ahead.",
    measurement="gaze",
    measure=_measure,
    low=Say(
        "眼睛看向了照片的左边",
        "请看着镜头再拍",
        "the eyes look to the left of the photo",
        "look into the camera",
        hint="眼睛可能看向了照片的左边",
        hint_en="the eyes may look to the left of the photo",
    ),
    high=Say(
        "眼睛看向了照片的右边",
        "请看着镜头再拍",
        "the eyes look to the right of the photo",
        "look into the camera",
        hint="眼睛可能看向了照片的右边",
        hint_en="the eyes may look to the right of the photo",
    ),
    digits=2,
)
