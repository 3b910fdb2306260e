"""eyes.closed: both eyes are open."""

from imagecheck.analysis import Analysis
from imagecheck.measures.eyes import Eyes
from imagecheck.rules.base import Measured, Rule, Say

_RED_SHARE = 0.1


def _measure(analysis: Analysis) -> Measured:
    eyes = analysis.part(Eyes)
    if eyes.red_share() > _RED_SHARE:
        return None  # a flash shines out of an open eye
    return eyes.openness()


RULE = Rule(
    code="eyes.closed",
    clause="双眼自然睁开",
    method=(
        "Iris disc against its sides and colour between the lids against the skin, of the "
        "weaker eye; the height of the lid gap does not count, so narrow eyes pass."
    ),
    measurement="eye_openness",
    measure=_measure,
    low=Say(
        "眼睛没有睁开或看不清（{value}）",
        "请自然睁开双眼，平视镜头",
        "an eye is closed or not to be seen ({value})",
        "open both eyes and look at the camera",
    ),
    high=Say(
        "眼睛没有睁开",
        "请自然睁开双眼，平视镜头",
        "an eye is closed",
        "open both eyes and look at the camera",
    ),
    digits=2,
)
