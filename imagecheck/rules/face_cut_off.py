"""face.cut_off: the whole face is inside the picture."""

from __future__ import annotations

import numpy as np

from imagecheck.analysis import Analysis
from imagecheck.rules.base import Measured, Rule, Say

_SLACK = 0.04
"""Landmarks beyond the border are guesses; so far off, in face widths, a chin may be wrong.

A face that only grazes the border is too large or too low, which other rules tell better."""


def _measure(analysis: Analysis) -> Measured:
    face = analysis.face
    if face is None:
        return None
    last = (analysis.width - 1, analysis.height - 1)
    beyond_px = np.maximum(-face.points, face.points - last).max()
    if beyond_px > _SLACK * analysis.face_width_px:
        return 1.0
    box = face.box
    over = max(-box.left, -box.top, box.right - analysis.width, box.bottom - analysis.height)
    return max(0.0, over) / (box.right - box.left)


RULE = Rule(
    code="face.cut_off",
    clause="人像完整",
    method="Share of the face box beyond the border; all 68 landmarks inside.",
    measurement="face_outside_share",
    measure=_measure,
    high=Say(
        "脸有一部分在照片外面",
        "请离镜头远一点，让整个头和双肩都在画面里",
        "a part of the face is outside the photo",
        "step back until head and shoulders are inside",
    ),
    needs="picture",
    digits=2,
)
