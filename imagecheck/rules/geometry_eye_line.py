"""geometry.eye_line: the distance of the eyes to the upper edge."""

from __future__ import annotations

from imagecheck.analysis import Analysis
from imagecheck.rules.base import Measured, Rule, Say


def _measure(analysis: Analysis) -> Measured:
    return analysis.eye_line_px


RULE = Rule(
    code="geometry.eye_line",
    clause="眼睛距上边沿 200-300 像素",
    method="Mean of the lid landmarks, raised by 3.4 % of the eye distance to the pupils.",
    measurement="eye_line_px",
    measure=_measure,
    low=Say(
        "眼睛太高，离照片上边 {value} 像素，应为 {low} 到 {high} 像素",
        "请把手机举高一点，让脸往下移",
        "the eyes are {value} pixels below the upper edge instead of {low} to {high}",
        "raise the phone so that the face moves down",
    ),
    high=Say(
        "眼睛太低，离照片上边 {value} 像素，应为 {low} 到 {high} 像素",
        "请把手机放低一点，让脸往上移",
        "the eyes are {value} pixels below the upper edge instead of {low} to {high}",
        "lower the phone so that the face moves up",
    ),
)
