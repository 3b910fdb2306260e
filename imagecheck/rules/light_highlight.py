"""light.highlight: no glare on the skin."""

from __future__ import annotations

from imagecheck.analysis import Analysis
from imagecheck.measures.skin import Skin
from imagecheck.rules.base import Measured, Rule, Say


def _measure(analysis: Analysis) -> Measured:
    return analysis.part(Skin).highlight_share()


RULE = Rule(
    code="light.highlight",
    clause="面部无明显高光",
    method="White share of the face, specks removed.",
    measurement="highlight_share",
    measure=_measure,
    high=Say(
        "脸上有明显的反光",
        "请擦去脸上的油光，避开直射的强光再拍",
        "there is a shine on the face",
        "dry the skin and avoid direct light",
        hint="脸上可能有反光",
        hint_en="there may be a shine on the face",
    ),
    digits=3,
)
