"""file.mirrored: the file does not ask to be shown mirrored."""

from imagecheck.analysis import Analysis
from imagecheck.rules.base import Measured, Rule, Say, Stated

_MIRRORING = (2, 4, 5, 7)


def _measure(analysis: Analysis) -> Measured:
    orientation = analysis.facts.orientation
    if orientation not in _MIRRORING:
        return None
    return Stated("fail", f"EXIF {orientation}", "EXIF 1")


RULE = Rule(
    code="file.mirrored",
    clause="不得镜像",
    method="EXIF orientation 2, 4, 5 or 7; pixels alone cannot tell.",
    measurement="file_mirrored",
    measure=_measure,
    high=Say(
        "照片带有镜像标记（{value}），不得镜像",
        "请关闭前置摄像头的镜像功能后重拍",
        "the file asks to be shown mirrored ({value})",
        "switch mirroring off in the camera and take it again",
    ),
    needs="file",
    wanted="EXIF 1, 3, 6, 8",
)
