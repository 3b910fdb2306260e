"""pose.yaw: the face looks straight ahead."""

from __future__ import annotations

from imagecheck.analysis import Analysis
from imagecheck.measures.glasses import hides_eyes
from imagecheck.measures.posture import measure_yaw
from imagecheck.rules.base import UNKNOWN, Measured, Rule, Say


def _measure(analysis: Analysis) -> Measured:
    yaw = measure_yaw(analysis)
    is_guess = analysis.profile.limit("pose.yaw").judge(yaw) != "pass" and hides_eyes(analysis)
    return UNKNOWN if is_guess else yaw


RULE = Rule(
    code="pose.yaw",
    clause="正面免冠",
    method=(
        "Mean of the slope into the picture between opposite mesh points and of the nose tip off "
        "the middle of the jaw."
    ),
    measurement="yaw_deg",
    measure=_measure,
    low=Say(
        "脸转向了照片的左边",
        "请正对镜头，让两边脸露出一样多",
        "the face is turned to the left",
        "face the camera so that both cheeks show alike",
        hint="脸可能转向了照片的左边",
        hint_en="the face may be turned to the left",
    ),
    high=Say(
        "脸转向了照片的右边",
        "请正对镜头，让两边脸露出一样多",
        "the face is turned to the right",
        "face the camera so that both cheeks show alike",
        hint="脸可能转向了照片的右边",
        hint_en="the face may be turned to the right",
    ),
    unknown=Say(
        "镜片反光挡住了眼睛，看不出脸是不是正对镜头",
        "请换个方向的光，直到镜片不反光再拍",
        "light on the glasses hides whether the face is turned",
        "move the light until the glasses are clear",
    ),
    digits=0,
)
