"""file.colour_mode: the file holds true colour that every reader shows alike."""

from __future__ import annotations

from imagecheck.analysis import Analysis
from imagecheck.rules.base import Measured, Rule, Say, Stated

_GREY = ("L", "LA", "1", "I", "F", "I;16", "I;16B", "I;16L")
"""Modes without colour. All others become true colour when the standard photo is made."""


def _measure(analysis: Analysis) -> Measured:
    facts = analysis.facts
    if facts.mode in _GREY:
        return Stated("fail", facts.mode, "RGB")
    if analysis.mode == "capture":
        return None
    if facts.mode != "RGB":
        return Stated("fail", facts.mode, "RGB", _OTHER_MODE)
    if facts.colour_profile:
        return Stated("fail", facts.colour_profile, "sRGB", _OTHER_SPACE)
    return None


_OTHER_MODE = Say(
    "照片不是普通的彩色格式（可能用于印刷或带透明底）",
    "请另存为普通彩色的 JPG 照片",
    "the photo is not stored in plain true colour",
    "save it as a JPG in true colour",
)
_OTHER_SPACE = Say(
    "照片带有特殊的色彩设置，在别的设备上颜色会变",
    "请上传手机原图，由系统自动生成标准照片",
    "the photo has a colour profile that other readers do not follow",
    "send the original of the phone to have the standard photo made",
)

RULE = Rule(
    code="file.colour_mode",
    clause="24 位真彩色",
    method="Colour mode of the decoded file; in a finished photo also a profile other than sRGB.",
    measurement="file_colour_mode",
    measure=_measure,
    high=Say(
        "照片是黑白的",
        "请上传彩色照片",
        "the photo has no colour",
        "send a photo in colour",
    ),
    needs="file",
    wanted="RGB, sRGB",
)
