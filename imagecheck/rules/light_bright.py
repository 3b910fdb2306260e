"""light.bright: the face is not burnt out."""

from __future__ import annotations

from imagecheck.analysis import Analysis
from imagecheck.measures.skin import Skin
from imagecheck.rules.base import Measured, Rule, Say


def _measure(analysis: Analysis) -> Measured:
    return analysis.part(Skin).clipped_share


RULE = Rule(
    code="light.bright",
    clause="曝光正常",
    method="Share of the face where a colour channel is at its end.",
    measurement="clipped_share",
    measure=_measure,
    high=Say(
        "脸上太亮，看不清细节",
        "请避开直射的强光重拍",
        "the face is too bright",
        "avoid direct light and take it again",
        hint="脸上可能太亮",
        hint_en="the face may be too bright",
    ),
    digits=2,
)
