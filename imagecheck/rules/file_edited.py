"""file.edited: no photo editor signed the file."""

from __future__ import annotations

from imagecheck.analysis import Analysis
from imagecheck.rules.base import Measured, Rule, Say, Stated

_EDITORS = (
    "photoshop", "lightroom", "camera raw", "gimp", "affinity", "pixelmator", "paint shop",
    "paintshop", "paint.net", "photopea", "krita", "luminar", "capture one", "darktable",
    "rawtherapee", "acdsee", "corel", "photoimpact", "photoscape", "photodirector", "picsart",
    "snapseed", "vsco", "polarr", "fotor", "befunky", "pixlr", "canva", "airbrush", "facetune",
    "faceapp", "faceu", "youcam", "b612", "beautycam", "beautyplus", "beauty", "meitu", "xiuxiu",
    "美图", "美颜", "醒图", "轻颜", "camera360", "retouch", "touchretouch", "剪映", "remini",
    "portraitpro", "imagemagick", "inshot", "lensa", "photoroom", "ulike", "wuta", "无他",
)  # fmt: skip
"""Programs whose purpose is to change a picture; firmware of cameras and phones is none of them."""


def _measure(analysis: Analysis) -> Measured:
    editor = analysis.facts.editor
    named = editor.casefold()
    if not any(name in named for name in _EDITORS):
        return None
    return Stated("warn", editor[:60], "未经修图软件处理")


RULE = Rule(
    code="file.edited",
    clause="不得对人像特征进行技术处理",
    method=(
        "A photo editor named in EXIF Software, XMP or a Photoshop segment; pixels alone "
        "cannot tell."
    ),
    measurement="file_edited",
    measure=_measure,
    high=Say(
        "照片用修图软件处理过",
        "请上传没有美颜、没有修过的原图",
        "the photo went through an editor",
        "send the original without retouching",
    ),
    needs="file",
    wanted="no editor named",
    states=("warn",),
)
