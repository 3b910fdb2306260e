"""file.format: the photo is a JPEG file."""

from __future__ import annotations

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
        "照片不是 JPG 格式",
        "请另存为 JPG 照片",
        "the photo is no JPG file",
        "save it as JPG",
    ),
    needs="file",
    modes=("final",),
    wanted="JPEG",
)
