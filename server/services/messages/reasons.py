"""Why a photo is sent back: the finding codes of imagecheck in words for a student."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

REASONS: dict[str, str] = {
    "background.colour": "背景颜色不符合要求，请在蓝色、白色或浅灰色背景前拍摄",
    "background.object": "背景中有其他物体或人",
    "background.shadow": "背景有阴影",
    "background.uneven": "背景不均匀",
    "clothing.blends": "衣服与背景颜色太接近",
    "colour.greyscale": "照片不是彩色",
    "colour.unnatural": "照片偏色",
    "ears.hidden": "耳朵被遮住",
    "expression.smile": "表情不自然，请保持平静",
    "eyes.closed": "眼睛没有睁开",
    "eyes.gaze": "没有看镜头",
    "eyes.red": "有红眼",
    "face.cut_off": "人像不完整",
    "face.covered": "面部被遮挡",
    "face.multiple": "照片中有多个人",
    "face.none": "看不到人脸",
    "file.edited": "照片经过修饰",
    "file.mirrored": "照片是镜像的",
    "focus.blurred": "照片模糊",
    "focus.low_resolution": "照片清晰度不够",
    "frame.border": "照片有边框",
    "frame.text": "照片上有文字或水印",
    "geometry.stretched": "人像变形",
    "glasses.frame": "镜框遮住眼睛",
    "glasses.glare": "眼镜反光",
    "glasses.tinted": "请不要戴有色眼镜",
    "hair.brows": "头发遮住眉毛",
    "hair.eyes": "头发遮住眼睛",
    "identity.other": "照片不是本人",
    "head.covered": "头部有遮盖",
    "light.bright": "光线太亮",
    "light.dark": "光线太暗",
    "light.highlight": "脸上有亮斑",
    "light.uneven": "脸部光线不均匀",
    "mouth.open": "嘴唇没有闭合",
    "pose.pitch": "抬头或低头",
    "pose.roll": "头部歪斜",
    "pose.shoulders": "双肩不平",
    "pose.yaw": "没有正对镜头",
    "recapture.screen": "照片是翻拍的",
}
OWN = "own:"
"""Begins the code of a college's own reason; its text follows, so old reviews stay readable."""
USUAL = (
    "identity.other",
    "background.shadow",
    "clothing.blends",
    "hair.brows",
    "ears.hidden",
    "expression.smile",
    "glasses.glare",
    "focus.blurred",
    "pose.roll",
    "file.edited",
)
"""Offered for every photo after what the machine found."""
MAX_OFFERED = 9
"""One a number key."""


def offer_reasons(report: dict[str, Any] | None, own: Sequence[str] = ()) -> list[tuple[str, str]]:
    """Return (code, text) of the reasons to choose from: this photo's findings first.

    ``own``: the texts of the college's own reasons.
    """
    found = [finding["code"] for finding in (report or {}).get("findings", [])]
    found = [code for code in dict.fromkeys(found) if code in REASONS]
    mine = [OWN + text for text in own]
    kept = max(1, MAX_OFFERED - len(mine) - 1)
    codes = dict.fromkeys((*found[:kept], USUAL[0], *mine, *found[kept:], *USUAL))
    return [(code, describe_reason(code)) for code in list(codes)[:MAX_OFFERED]]


def list_other_reasons(
    offered: list[tuple[str, str]], own: Sequence[str] = ()
) -> list[tuple[str, str]]:
    """Return the reasons that are not among those offered."""
    known = {code for code, _ in offered}
    codes = (*(OWN + text for text in own), *REASONS)
    return [(code, describe_reason(code)) for code in codes if code not in known]


def is_reason(code: str, own: Sequence[str] = ()) -> bool:
    """Tell whether a reviewer of this college may give this reason."""
    return code in REASONS or (code.startswith(OWN) and code.removeprefix(OWN) in own)


def describe_reason(code: str) -> str:
    """Return one reason in words."""
    return REASONS.get(code, code.removeprefix(OWN))


def describe_reasons(codes: list[str], note: str) -> str:
    """Return the reasons as one Chinese text."""
    parts = [describe_reason(code) for code in codes]
    return "；".join([*parts, note] if note else parts)
