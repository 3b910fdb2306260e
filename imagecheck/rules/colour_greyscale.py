"""colour.greyscale: the photo is in colour."""

from __future__ import annotations

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
        "照片几乎没有色彩",
        "请关掉黑白或单色滤镜，在光线好的地方重拍",
        "the photo has hardly any colour",
        "switch filters off and take it again in good light",
    ),
    high=Say(
        "照片几乎没有色彩",
        "请关掉黑白或单色滤镜，在光线好的地方重拍",
        "the photo has hardly any colour",
        "switch filters off and take it again in good light",
    ),
    digits=2,
)
