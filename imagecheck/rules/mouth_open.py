"""mouth.open: the lips are closed."""

from imagecheck.analysis import Analysis
from imagecheck.measures.posture import measure_mouth_gap
from imagecheck.rules.base import Measured, Rule, Say


def _measure(analysis: Analysis) -> Measured:
    lips = analysis.points[48:68, 0]
    if lips.min() < 0 or lips.max() > analysis.width:
        return None  # half a mouth tells nothing; face.cut_off says so
    return measure_mouth_gap(analysis)


RULE = Rule(
    code="mouth.open",
    clause="嘴唇自然闭合",
    method="Distance of the inner lips over the eye-to-chin distance.",
    measurement="mouth_gap",
    measure=_measure,
    high=Say(
        "嘴巴张开（{value}，允许 {high}）",
        "请自然闭上嘴唇",
        "the mouth is open ({value}, {high} allowed)",
        "close the lips",
    ),
    digits=3,
)
