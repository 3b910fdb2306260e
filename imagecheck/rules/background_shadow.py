"""background.shadow: no shadow on the wall."""

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
        "背景上有人影",
        "请离墙远一点，让光线从正面照来",
        "there is a shadow on the wall",
        "stand away from the wall, with the light in front",
    ),
    digits=2,
)
