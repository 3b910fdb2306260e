"""file.dimensions: the file is 480 pixels wide and 640 high."""

from __future__ import annotations

from imagecheck.analysis import FRAME_PX, Analysis
from imagecheck.rules.base import Measured, Rule, Say, Stated


def _measure(analysis: Analysis) -> Measured:
    size = analysis.facts.width, analysis.facts.height
    if size == FRAME_PX:
        return None
    return Stated("fail", f"{size[0]}x{size[1]}", f"{FRAME_PX[0]}x{FRAME_PX[1]}")


RULE = Rule(
    code="file.dimensions",
    clause="宽 480 像素、高 640 像素",
    method="Stored width and height.",
    measurement="file_dimensions",
    measure=_measure,
    high=Say(
        "照片尺寸不对，应为宽 480 像素、高 640 像素",
        "请上传手机原图，由系统自动裁剪",
        "the photo is not 480 pixels wide and 640 high",
        "send the original of the phone to have it cut",
    ),
    needs="file",
    modes=("final",),
    wanted="480x640 px",
)
