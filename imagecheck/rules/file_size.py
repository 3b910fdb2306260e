"""file.size: the file is as large as a photo of this quality usually is."""

from __future__ import annotations

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
        "照片文件比一般要求的小，可能被反复压缩过",
        "请用手机里的原图，不要用转发过的照片",
        "the file is smaller than usual",
        "use the original of the phone, not a forwarded copy",
    ),
    high=Say(
        "照片文件比一般要求的大",
        "请上传手机原图，由系统自动生成标准照片",
        "the file is larger than usual",
        "send the original of the phone to have the standard photo made",
    ),
    needs="file",
    modes=("final",),
    digits=1,
)
