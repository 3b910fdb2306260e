"""background.object: nothing else is in the picture."""

from imagecheck.analysis import Analysis
from imagecheck.measures.backdrop import Backdrop
from imagecheck.rules.base import Measured, Rule, Say


def _measure(analysis: Analysis) -> Measured:
    backdrop = analysis.part(Backdrop)
    return backdrop.largest_blob() if backdrop.is_visible else None


RULE = Rule(
    code="background.object",
    clause="背景无其他人和物",
    method="Largest connected part beside the head that is not wall, as share of the visible wall.",
    measurement="wall_object",
    measure=_measure,
    high=Say(
        "背景中有其他物体",
        "请移开杂物，或换一面干净的墙",
        "something else is in the background",
        "clear the background or use another wall",
    ),
    digits=3,
)
