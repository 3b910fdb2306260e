"""geometry.eye_line: the distance of the eyes to the upper edge."""

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
        "眼睛到上边 {value} px，应为 {low}-{high} px",
        "请把镜头抬高一点，使脸部在画面中下移",
        "the eyes are {value} px from the upper edge, {low}-{high} px wanted",
        "raise the camera so that the face moves down",
    ),
    high=Say(
        "眼睛到上边 {value} px，应为 {low}-{high} px",
        "请把镜头放低一点，使脸部在画面中上移",
        "the eyes are {value} px from the upper edge, {low}-{high} px wanted",
        "lower the camera so that the face moves up",
    ),
)
