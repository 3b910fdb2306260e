"""recapture.screen: the photo is not taken of a screen or print."""

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
        "照片可能翻拍自屏幕或纸质照片",
        "请直接对本人拍摄",
        "the photo seems to show a screen or a print",
        "take the person, not a picture",
    ),
    digits=2,
)
