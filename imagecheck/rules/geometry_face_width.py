"""geometry.face_width: the width of the face."""

from __future__ import annotations

from imagecheck.analysis import Analysis
from imagecheck.rules.base import Measured, Rule, Say


def _measure(analysis: Analysis) -> Measured:
    return analysis.face_width_px


RULE = Rule(
    code="geometry.face_width",
    clause="脸部宽度 180-300 像素",
    method="Distance of jaw landmarks 0 and 16.",
    measurement="face_width_px",
    measure=_measure,
    low=Say(
        "脸太小，宽 {value} 像素，应为 {low} 到 {high} 像素",
        "请离镜头近一点",
        "the face is {value} pixels wide instead of {low} to {high}",
        "come closer",
    ),
    high=Say(
        "脸太大，宽 {value} 像素，应为 {low} 到 {high} 像素",
        "请离镜头远一点",
        "the face is {value} pixels wide instead of {low} to {high}",
        "step back",
    ),
)
