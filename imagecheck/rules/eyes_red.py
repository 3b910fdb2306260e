"""eyes.red: no red-eye."""

from imagecheck.analysis import Analysis
from imagecheck.measures.eyes import Eyes
from imagecheck.rules.base import Measured, Rule, Say


def _measure(analysis: Analysis) -> Measured:
    return analysis.part(Eyes).red_share()


RULE = Rule(
    code="eyes.red",
    clause="不得有红眼",
    method="Share of the inside of the eye that is far redder than the skin.",
    measurement="red_eye_share",
    measure=_measure,
    high=Say(
        "出现红眼",
        "请关闭闪光灯，在自然光下重新拍摄",
        "red-eye",
        "switch the flash off and take it in daylight",
    ),
    digits=2,
)
