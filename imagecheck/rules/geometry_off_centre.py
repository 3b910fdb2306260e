"""geometry.off_centre: the face is in the middle."""

from imagecheck.analysis import Analysis
from imagecheck.rules.base import Measured, Rule, Say


def _measure(analysis: Analysis) -> Measured:
    return analysis.face_centre_x_px - analysis.width / 2


RULE = Rule(
    code="geometry.off_centre",
    clause="人像水平居中、左右对称",
    method="Middle of jaw landmarks 0 and 16 against the middle of the picture.",
    measurement="off_centre_px",
    measure=_measure,
    low=Say(
        "脸部偏左（{value} px），应在 {high} px 以内",
        "请向画面右侧移动一点",
        "the face is left of the middle ({value} px), at most {high} px allowed",
        "move to the right of the picture",
    ),
    high=Say(
        "脸部偏右 {value} px，应在 {high} px 以内",
        "请向画面左侧移动一点",
        "the face is {value} px right of the middle, at most {high} px allowed",
        "move to the left of the picture",
    ),
)
