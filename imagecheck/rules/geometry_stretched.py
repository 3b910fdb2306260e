"""geometry.stretched: the picture is not stretched."""

from __future__ import annotations

from imagecheck.analysis import Analysis
from imagecheck.rules.base import Measured, Rule, Say

_MEAN_EYES = 0.55
_MEAN_JAW = 1.24
"""Means over the tuning people of photobench."""


def _measure(analysis: Analysis) -> Measured:
    height = max(1.0, analysis.eye_to_chin_px)
    eyes = analysis.ied_px / height / _MEAN_EYES
    jaw = analysis.face_width_px / height / _MEAN_JAW
    return float((eyes * jaw) ** 0.5)


RULE = Rule(
    code="geometry.stretched",
    clause="人像不得变形",
    method=(
        "Eye distance and face width over the eye-to-chin distance, against the population; 1 "
        "is the mean."
    ),
    measurement="stretch",
    measure=_measure,
    low=Say(
        "脸看起来被拉长了",
        "请上传没有拉伸过的原图",
        "the face looks stretched in height",
        "send the original without stretching",
        hint="脸可能被拉长了",
        hint_en="the face may be stretched in height",
    ),
    high=Say(
        "脸看起来被拉宽了",
        "请上传没有拉伸过的原图",
        "the face looks stretched in width",
        "send the original without stretching",
        hint="脸可能被拉宽了",
        hint_en="the face may be stretched in width",
    ),
    digits=2,
)
