"""recapture.screen: the photo is not taken of a screen or print."""

from __future__ import annotations

from imagecheck.analysis import Analysis
from imagecheck.measures.focus import measure_moire
from imagecheck.rules.base import Measured, Rule, Say


def _measure(analysis: Analysis) -> Measured:
    return measure_moire(analysis)


RULE = Rule(
    code="recapture.screen",
    clause="不得翻拍",
    method="Sharpest isolated peak in the spectrum, off the lattice of JPEG.",
    measurement="moire_peak",
    measure=_measure,
    high=Say(
        "照片是对着屏幕或纸质照片翻拍的",
        "请直接对着本人拍",
        "the photo was taken of a screen or a print",
        "take the person",
        hint="照片可能是对着屏幕或纸质照片翻拍的",
        hint_en="the photo may have been taken of a screen or a print",
    ),
    digits=2,
)
