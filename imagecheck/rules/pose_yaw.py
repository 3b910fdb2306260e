"""pose.yaw: the face looks straight ahead."""

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
    unknown=Say(
        "镜片反光遮住眼睛，无法判断是否正对镜头",
        "请消除镜片反光，正对镜头",
        "light on the lenses hides whether the face looks straight ahead",
        "move the light until the lenses are clear, and face the camera",
    ),
    digits=2,
)
