"""light.highlight: no glare on the skin."""

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
        "面部有明显反光",
        "请擦去面部油光，避免强光直射",
        "there is glare on the face",
        "dry the skin and avoid hard light",
    ),
    digits=3,
)
