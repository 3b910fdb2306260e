"""hair.brows: the brows are free."""

from __future__ import annotations

from imagecheck.analysis import Analysis
from imagecheck.measures.hair import Hair
from imagecheck.rules.base import Measured, Rule, Say


def _measure(analysis: Analysis) -> Measured:
    return analysis.part(Hair).above_brows()


RULE = Rule(
    code="hair.brows",
    clause="头发不得遮挡眉毛",
    method="Share without skin in a band just above the brow, of the more covered side.",
    measurement="brow_cover",
    measure=_measure,
    high=Say(
        "头发遮住了眉毛",
        "请把刘海梳开，露出两边眉毛",
        "hair covers the brows",
        "comb it aside so that both brows show",
        hint="头发可能遮住了眉毛",
        hint_en="hair may cover the brows",
    ),
    digits=2,
)
