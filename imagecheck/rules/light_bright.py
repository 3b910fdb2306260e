"""light.bright: the face is not burnt out."""

from imagecheck.analysis import Analysis
from imagecheck.measures.skin import Skin
from imagecheck.rules.base import Measured, Rule, Say


def _measure(analysis: Analysis) -> Measured:
    return analysis.part(Skin).clipped_share()


RULE = Rule(
    code="light.bright",
    clause="曝光正常",
    method="Share of the face where a colour channel is at its end.",
    measurement="clipped_share",
    measure=_measure,
    high=Say(
        "面部过亮，细节丢失",
        "请避开直射光或降低曝光后重新拍摄",
        "the face is over-exposed",
        "avoid direct light or lower the exposure",
    ),
    digits=2,
)
