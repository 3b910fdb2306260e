"""file.resolution: the file says 300 dots per inch."""

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
        "分辨率标记为 {value}，应为 {allowed}",
        "请把照片另存为 300 dpi",
        "the density is {value}, {allowed} wanted",
        "save the photo with 300 dpi",
    ),
    needs="file",
    modes=("final",),
)
