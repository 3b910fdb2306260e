"""hair.eyes: the eyes are free of hair."""

from __future__ import annotations

from imagecheck.analysis import Analysis
from imagecheck.measures.hair import Hair
from imagecheck.rules.base import Measured, Rule, Say

_LID_WEIGHT = 0.5
"""Deep-set eyes shade the lid too; only a cover of both lids counts, and only half."""
_SIDE_WEIGHT = 0.03
"""A difference of 16 CIE76 between both sides reaches the limit; light from the side does not
count."""


def _measure(analysis: Analysis) -> Measured:
    hair = analysis.part(Hair)
    side = min(1.0, _SIDE_WEIGHT * hair.side_difference())
    return max(hair.under_eyes(), _LID_WEIGHT * hair.over_lids(), side)


RULE = Rule(
    code="hair.eyes",
    clause="头发不得遮挡眼睛",
    method=(
        "Dark share below an eye, or between brow and lid of both eyes, or 0.03 a unit of CIE76 "
        "between the skin below both eyes, less what light from the side makes of nose and chin."
    ),
    measurement="eye_cover",
    measure=_measure,
    high=Say(
        "头发遮住了眼睛",
        "请把头发梳开，露出两只眼睛",
        "hair covers an eye",
        "comb it aside so that both eyes show",
        hint="头发可能遮住了眼睛",
        hint_en="hair may cover an eye",
    ),
    digits=2,
)
