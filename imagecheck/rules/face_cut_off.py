"""face.cut_off: the whole face is inside the picture."""

import numpy as np

from imagecheck.analysis import Analysis
from imagecheck.rules.base import Measured, Rule, Say

_SLACK_PX = 2.0
"""Landmarks are a pixel or two off."""


def _measure(analysis: Analysis) -> Measured:
    face = analysis.face
    if face is None:
        return None
    x, y = face.points[:, 0], face.points[:, 1]
    beyond = (x < -_SLACK_PX) | (y < -_SLACK_PX)
    beyond |= (x > analysis.width - 1 + _SLACK_PX) | (y > analysis.height - 1 + _SLACK_PX)
    if np.any(beyond):
        return 1.0
    box = face.box
    over = max(-box.left, -box.top, box.right - analysis.width, box.bottom - analysis.height)
    return max(0.0, over) / (box.right - box.left)


RULE = Rule(
    code="face.cut_off",
    clause="人像完整",
    method="Share of the face box beyond the border; all 68 landmarks inside.",
    measurement="face_outside_share",
    measure=_measure,
    high=Say(
        "人脸超出了照片边缘",
        "请退后一点，让整个头部和双肩都在画面内",
        "the face reaches over the border",
        "step back until head and shoulders are inside",
    ),
    needs="picture",
    digits=2,
)
