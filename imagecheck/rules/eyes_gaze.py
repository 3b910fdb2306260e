"""eyes.gaze: the eyes look at the camera."""

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
        "目光偏向画面左侧",
        "请双眼直视镜头",
        "the eyes look to the left",
        "look into the camera",
    ),
    high=Say(
        "目光偏向画面右侧",
        "请双眼直视镜头",
        "the eyes look to the right",
        "look into the camera",
    ),
    digits=2,
)
