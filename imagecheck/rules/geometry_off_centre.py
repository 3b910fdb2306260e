"""geometry.off_centre: the face is in the middle."""

from __future__ import annotations

from imagecheck.analysis import Analysis
from imagecheck.rules.base import Measured, Rule, Say


def _measure(analysis: Analysis) -> Measured:
    return analysis.face_centre_x_px - analysis.width / 2


RULE = Rule(
    code="geometry.off_centre",
    clause="人像水平居中、左右对称",
    method="Middle of jaw landmarks 0 and 16 against the middle of the picture.",
    measurement="off_centre_px",
    measure=_measure,
    low=Say(
        "脸偏左 {size} 像素，应在 {high} 像素以内",
        "请让脸对准画面正中间",
        "the face is {size} pixels left of the middle, {high} at most",
        "bring the face to the middle",
    ),
    high=Say(
        "脸偏右 {size} 像素，应在 {high} 像素以内",
        "请让脸对准画面正中间",
        "the face is {size} pixels right of the middle, {high} at most",
        "bring the face to the middle",
    ),
)
