"""pose.roll: the eyes are level."""

from __future__ import annotations

from imagecheck.analysis import Analysis
from imagecheck.measures.glasses import hides_eyes
from imagecheck.rules.base import UNKNOWN, Measured, Rule, Say


def _measure(analysis: Analysis) -> Measured:
    roll = analysis.roll_deg
    is_guess = analysis.profile.limit("pose.roll").judge(roll) != "pass" and hides_eyes(analysis)
    return UNKNOWN if is_guess else roll


RULE = Rule(
    code="pose.roll",
    clause="头部端正，双眼水平",
    method="Slope of the line through the eye centres.",
    measurement="roll_deg",
    measure=_measure,
    low=Say(
        "头向照片左边歪了 {size} 度，应在 {high} 度以内",
        "请把头摆正，让两只眼睛一样高",
        "the head leans to the left by {size} degrees, {high} at most",
        "hold it upright with level eyes",
        hint="头可能向照片左边歪了 {size} 度",
        hint_en="the head may lean to the left by {size} degrees",
    ),
    high=Say(
        "头向照片右边歪了 {size} 度，应在 {high} 度以内",
        "请把头摆正，让两只眼睛一样高",
        "the head leans to the right by {size} degrees, {high} at most",
        "hold it upright with level eyes",
        hint="头可能向照片右边歪了 {size} 度",
        hint_en="the head may lean to the right by {size} degrees",
    ),
    unknown=Say(
        "镜片反光挡住了眼睛，看不出头是不是正的",
        "请换个方向的光，直到镜片不反光再拍",
        "light on the glasses hides whether the head is upright",
        "move the light until the glasses are clear",
    ),
    digits=1,
)
