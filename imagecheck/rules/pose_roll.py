"""pose.roll: the eyes are level."""

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
        "头部向画面左侧倾斜（{value}°），应在 ±{high}° 以内",
        "请把头摆正，双眼保持水平",
        "the head leans to the left ({value} degrees), {high} allowed",
        "hold the head upright with level eyes",
    ),
    high=Say(
        "头部向画面右侧倾斜 {value}°，应在 ±{high}° 以内",
        "请把头摆正，双眼保持水平",
        "the head leans to the right by {value} degrees, {high} allowed",
        "hold the head upright with level eyes",
    ),
    unknown=Say(
        "镜片反光遮住眼睛，无法判断头部是否端正",
        "请消除镜片反光，双眼保持水平",
        "light on the lenses hides whether the eyes are level",
        "move the light until the lenses are clear, and hold the head upright",
    ),
    digits=1,
)
