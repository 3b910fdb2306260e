"""eyes.red: no red-eye."""

from __future__ import annotations

from imagecheck.analysis import Analysis
from imagecheck.measures.eyes import Eyes
from imagecheck.rules.base import Measured, Rule, Say


def _measure(analysis: Analysis) -> Measured:
    return analysis.part(Eyes).red_share


RULE = Rule(
    code="eyes.red",
    clause="不得有红眼",
    method="Share of the inside of the eye that is far redder than the skin.",
    measurement="red_eye_share",
    measure=_measure,
    high=Say(
        "眼睛里有闪光灯造成的红点",
        "请关掉闪光灯，在亮的地方重拍",
        "the flash made the eyes red",
        "switch the flash off and take it again in a bright place",
    ),
    digits=2,
)
