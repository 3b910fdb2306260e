"""background.shadow: no shadow on the wall."""

from __future__ import annotations

from imagecheck.analysis import Analysis
from imagecheck.measures.backdrop import Backdrop
from imagecheck.rules.base import Measured, Rule, Say


def _measure(analysis: Analysis) -> Measured:
    backdrop = analysis.part(Backdrop)
    return max(backdrop.shadow_shares) if backdrop.is_visible else None


RULE = Rule(
    code="background.shadow",
    clause="背景无阴影",
    method="Shaded wall beside the head, darker side, in face areas.",
    measurement="wall_shadow",
    measure=_measure,
    high=Say(
        "墙上有人的影子",
        "请离墙一步远，让光从正面照过来再拍",
        "there is a shadow on the wall",
        "step away from the wall and let the light come from the front",
        hint="墙上可能有影子",
        hint_en="there may be a shadow on the wall",
    ),
    digits=2,
)
