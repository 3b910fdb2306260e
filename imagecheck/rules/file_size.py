"""file.size: the file is as large as a photo of this quality usually is."""

from imagecheck.analysis import Analysis
from imagecheck.rules.base import Measured, Rule, Say


def _measure(analysis: Analysis) -> Measured:
    return analysis.facts.size_bytes / 1024


RULE = Rule(
    code="file.size",
    clause="文件大小一般为 20-40 KB",
    method="Bytes / 1024.",
    measurement="file_size_kb",
    measure=_measure,
    low=Say(
        "文件 {value} KB，应为 {low}-{high} KB",
        "请用原图重新生成照片，不要反复压缩",
        "the file has {value} KB, {low}-{high} KB wanted",
        "make it from the original again, without repeated compression",
    ),
    high=Say(
        "文件 {value} KB，应为 {low}-{high} KB",
        "请适当降低压缩质量后重新保存",
        "the file has {value} KB, {low}-{high} KB wanted",
        "save it again with a lower quality",
    ),
    needs="file",
    modes=("final",),
    digits=1,
)
