"""file.format: the photo is a JPEG file."""

from imagecheck.analysis import Analysis
from imagecheck.rules.base import Measured, Rule, Say, Stated


def _measure(analysis: Analysis) -> Measured:
    name = analysis.facts.format
    return None if name == "JPEG" else Stated("fail", name, "JPEG")


RULE = Rule(
    code="file.format",
    clause="JPEG 格式，扩展名 jpg",
    method="First bytes of the file.",
    measurement="file_format",
    measure=_measure,
    high=Say(
        "文件格式为 {value}，应为 {allowed}",
        "请上传 JPG 格式的照片",
        "the file is {value}, {allowed} wanted",
        "send a JPG file",
    ),
    needs="file",
    modes=("final",),
    wanted="JPEG",
)
