"""file.colour_mode: the file holds true colour."""

from imagecheck.analysis import Analysis
from imagecheck.rules.base import Measured, Rule, Say, Stated

_CONVERTED_IN_CAPTURE = ("RGBA", "P", "PA")
"""Palette and transparency of a phone's PNG vanish when the standard photo is made."""


def _measure(analysis: Analysis) -> Measured:
    mode = analysis.facts.mode
    if mode == "RGB" or (analysis.mode == "capture" and mode in _CONVERTED_IN_CAPTURE):
        return None
    return Stated("fail", mode, "RGB")


RULE = Rule(
    code="file.colour_mode",
    clause="24 位真彩色",
    method="Colour mode of the decoded file.",
    measurement="file_colour_mode",
    measure=_measure,
    high=Say(
        "颜色模式为 {value}，应为 24 位真彩色 {allowed}",
        "请用彩色模式重新拍摄或保存照片",
        "the colour mode is {value}, 24-bit {allowed} wanted",
        "take or save the photo in colour",
    ),
    needs="file",
    wanted="RGB",
)
