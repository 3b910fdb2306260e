"""file.resolution: the file says 300 dots per inch."""

from __future__ import annotations

from imagecheck.analysis import Analysis
from imagecheck.rules.base import Measured, Rule, Say, Stated


def _measure(analysis: Analysis) -> Measured:
    density = analysis.facts.density_dpi
    if density is None:
        return Stated("warn", "缺失", "300 dpi")
    limit = analysis.profile.limit("file.resolution")
    if all(limit.judge(value) == "pass" for value in density):
        return None
    return Stated("fail", f"{density[0]:.0f}x{density[1]:.0f} dpi", "300 dpi")


RULE = Rule(
    code="file.resolution",
    clause="分辨率 300dpi",
    method="Density in the JFIF header, in inches or centimetres, or in EXIF.",
    measurement="file_resolution",
    measure=_measure,
    high=Say(
        "照片的打印分辨率标记不对",
        "请上传手机原图，由系统自动生成标准照片",
        "the photo is not marked with 300 dots an inch",
        "send the original of the phone to have the standard photo made",
    ),
    needs="file",
    modes=("final",),
)
