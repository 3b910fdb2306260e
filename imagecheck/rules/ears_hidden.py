"""ears.hidden: the ears are to be seen."""

from __future__ import annotations

from imagecheck.analysis import Analysis
from imagecheck.measures.hair import Hair
from imagecheck.rules.base import Measured, Rule, Say


def _measure(analysis: Analysis) -> Measured:
    return analysis.part(Hair).ear_skin()


RULE = Rule(
    code="ears.hidden",
    clause="头发不得遮挡耳朵",
    method=(
        "Share of skin-coloured and ruddy pixels beside the jaw between eyes and nose base, less "
        "a tenth of the share that is dark as hair; none on a side where most of them have the "
        "yellower hue of fair hair."
    ),
    measurement="ear_skin_share",
    measure=_measure,
    low=Say(
        "耳朵被头发遮住了",
        "请把头发梳到耳后，露出两只耳朵",
        "hair covers the ears",
        "comb the hair behind both ears",
        hint="耳朵可能被头发遮住了",
        hint_en="hair may cover the ears",
    ),
    high=Say(
        "耳朵被头发遮住了",
        "请把头发梳到耳后，露出两只耳朵",
        "hair covers the ears",
        "comb the hair behind both ears",
        hint="耳朵可能被头发遮住了",
        hint_en="hair may cover the ears",
    ),
    digits=2,
)
