"""file.mirrored: the file is not shown mirrored or turned."""

from __future__ import annotations

from imagecheck.analysis import Analysis
from imagecheck.rules.base import Measured, Rule, Say, Stated

_MIRRORING = (2, 4, 5, 7)


def _measure(analysis: Analysis) -> Measured:
    orientation = analysis.facts.orientation
    if orientation in _MIRRORING:
        return Stated("fail", f"EXIF {orientation}", "EXIF 1")
    if orientation != 1 and analysis.mode == "final":
        return Stated("fail", f"EXIF {orientation}", "EXIF 1", _TURNED)
    return None


_TURNED = Say(
    "照片是横着或倒着保存的，只靠旋转标记显示为正",
    "请把照片转正后重新保存",
    "the photo is stored lying and only marked to be shown upright",
    "turn it upright and save it again",
)

RULE = Rule(
    code="file.mirrored",
    clause="不得镜像、旋转",
    method=(
        "EXIF orientation 2, 4, 5 or 7; in a finished photo any but 1, since not every reader "
        "follows it. Pixels alone cannot tell."
    ),
    measurement="file_mirrored",
    measure=_measure,
    high=Say(
        "照片左右是反的（镜像）",
        "请关闭手机前置摄像头的镜像功能后重拍",
        "the photo is mirrored",
        "switch mirroring off in the camera and take it again",
    ),
    needs="file",
    wanted="EXIF 1",
)
