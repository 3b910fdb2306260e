"""pose.yaw: the face looks straight ahead."""

from imagecheck.analysis import Analysis
from imagecheck.measures.posture import measure_yaw
from imagecheck.rules.base import Measured, Rule, Say


def _measure(analysis: Analysis) -> Measured:
    return measure_yaw(analysis)


RULE = Rule(
    code="pose.yaw",
    clause="正面免冠",
    method="Nose tip off the middle of the jaw, in half face widths.",
    measurement="yaw_ratio",
    measure=_measure,
    low=Say(
        "脸转向画面左侧（{value}，允许 ±{high}）",
        "请正对镜头，让两边脸颊露出一样多",
        "the face is turned to the left ({value}, {high} allowed)",
        "face the camera so that both cheeks show alike",
    ),
    high=Say(
        "脸转向画面右侧（{value}，允许 ±{high}）",
        "请正对镜头，让两边脸颊露出一样多",
        "the face is turned to the right ({value}, {high} allowed)",
        "face the camera so that both cheeks show alike",
    ),
    digits=2,
)
