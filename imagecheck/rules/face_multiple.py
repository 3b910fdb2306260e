"""face.multiple: there is only one face."""

from imagecheck.analysis import Analysis
from imagecheck.rules.base import Measured, Rule, Say


def _measure(analysis: Analysis) -> Measured:
    return float(len(analysis.search.boxes)) or None


RULE = Rule(
    code="face.multiple",
    clause="背景中不得有其他人物",
    method="Second boxes of the HOG detector with a sure score.",
    measurement="faces_sure",
    measure=_measure,
    high=Say(
        "照片中有 {value} 张人脸，应只有 1 张",
        "请单独拍摄，背景中不要有他人或照片",
        "{value} faces were found, 1 wanted",
        "be alone in the picture, without portraits on the wall",
    ),
    needs="picture",
)
