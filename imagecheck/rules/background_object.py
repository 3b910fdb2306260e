"""background.object: nothing else is in the picture."""

from __future__ import annotations

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
        "背景里有其他东西",
        "请把杂物移开，或者换一面干净的墙重拍",
        "something else is in the background",
        "clear it away or use a clean wall",
        hint="背景里可能有其他东西",
        hint_en="there may be something else in the background",
    ),
    digits=3,
)
