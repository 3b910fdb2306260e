"""geometry.stretched: the picture is not stretched."""

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
        "脸部宽高比例偏小（{value}），照片可能被纵向拉伸",
        "请用原图等比例裁剪，不要拉伸",
        "the face is too narrow for its height ({value}): perhaps stretched",
        "crop the original, do not stretch it",
    ),
    high=Say(
        "脸部宽高比例偏大（{value}），照片可能被横向拉伸",
        "请用原图等比例裁剪，不要拉伸",
        "the face is too wide for its height ({value}): perhaps stretched",
        "crop the original, do not stretch it",
    ),
    digits=2,
)
