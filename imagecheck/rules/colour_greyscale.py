"""colour.greyscale: the photo is in colour."""

from imagecheck.analysis import Analysis
from imagecheck.measures.skin import Skin
from imagecheck.rules.base import Measured, Rule, Say


def _measure(analysis: Analysis) -> Measured:
    return analysis.part(Skin).hue_variety


RULE = Rule(
    code="colour.greyscale",
    clause="彩色照片",
    method="Spread of (a*, b*) over the face, across its main direction: a toned photo has none.",
    measurement="hue_variety",
    measure=_measure,
    low=Say(
        "照片是黑白或单色的",
        "请上传彩色照片",
        "the photo is greyscale or toned",
        "send a photo in colour",
    ),
    high=Say(
        "照片是黑白或单色的",
        "请上传彩色照片",
        "the photo is greyscale or toned",
        "send a photo in colour",
    ),
    digits=2,
)
