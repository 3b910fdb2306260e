"""glasses.frame: the frame does not cover the eyes."""

from __future__ import annotations

from imagecheck.analysis import Analysis
from imagecheck.measures.glasses import Glasses
from imagecheck.rules.base import Measured, Rule, Say

_BRIDGE_L = 6.7
"""An edge of this strength across the nose root is a bridge of glasses, L* units."""


def _measure(analysis: Analysis) -> Measured:
    glasses = analysis.part(Glasses)
    return glasses.rim_share() if glasses.bridge() > _BRIDGE_L else None


RULE = Rule(
    code="glasses.frame",
    clause="镜框不得遮挡眼睛",
    method="Dark share beside both corners of the eye, where a bridge says glasses.",
    measurement="rim_share",
    measure=_measure,
    high=Say(
        "镜框挡住了眼睛",
        "请把眼镜往上推一推，或者换一副细框的",
        "the glasses frame covers the eyes",
        "push the glasses up or wear thinner ones",
        hint="镜框可能挡住了眼睛",
        hint_en="the glasses frame may cover the eyes",
    ),
    digits=2,
)
