"""hair.eyes: the eyes are free of hair."""

from imagecheck.analysis import Analysis
from imagecheck.measures.hair import Hair
from imagecheck.rules.base import Measured, Rule, Say

_LID_WEIGHT = 0.5
"""Deep-set eyes shade the lid too; only a cover of both lids counts, and only half."""


def _measure(analysis: Analysis) -> Measured:
    hair = analysis.part(Hair)
    return max(hair.under_eyes(), _LID_WEIGHT * hair.over_lids())


RULE = Rule(
    code="hair.eyes",
    clause="头发不得遮挡眼睛",
    method="Dark share below an eye, or between brow and lid of both eyes.",
    measurement="eye_cover",
    measure=_measure,
    high=Say(
        "头发遮挡眼睛",
        "请把头发梳到耳后，露出双眼",
        "hair covers an eye",
        "comb the hair behind the ears",
    ),
    digits=2,
)
