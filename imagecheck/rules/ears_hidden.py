"""ears.hidden: the ears are to be seen."""

from imagecheck.analysis import Analysis
from imagecheck.measures.hair import Hair
from imagecheck.rules.base import Measured, Rule, Say


def _measure(analysis: Analysis) -> Measured:
    return analysis.part(Hair).ear_skin()


RULE = Rule(
    code="ears.hidden",
    clause="头发不得遮挡耳朵",
    method="Share of skin-coloured and ruddy pixels beside the jaw between eyes and nose base.",
    measurement="ear_skin_share",
    measure=_measure,
    low=Say(
        "耳朵被遮挡",
        "请把头发梳到耳后，露出双耳",
        "the ears are hidden",
        "comb the hair behind the ears",
    ),
    high=Say(
        "耳朵被遮挡",
        "请把头发梳到耳后，露出双耳",
        "the ears are hidden",
        "comb the hair behind the ears",
    ),
    digits=2,
)
