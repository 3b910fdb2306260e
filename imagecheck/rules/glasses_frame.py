"""glasses.frame: the frame does not cover the eyes."""

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
        "镜框遮挡眼睛或过粗",
        "请把眼镜向上扶正，或换细框眼镜",
        "the frame covers the eyes or is too heavy",
        "push the glasses up or wear a thinner frame",
    ),
    digits=2,
)
