"""pose.roll: the eyes are level."""

from imagecheck.analysis import Analysis
from imagecheck.rules.base import Measured, Rule, Say


def _measure(analysis: Analysis) -> Measured:
    return analysis.roll_deg


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
    digits=1,
)
