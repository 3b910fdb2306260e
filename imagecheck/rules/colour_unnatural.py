"""colour.unnatural: the skin has its natural colour."""

from imagecheck.analysis import Analysis
from imagecheck.measures.skin import Skin
from imagecheck.rules.base import Measured, Rule, Say

_SKIN_A = (1.0, 27.0)
_SKIN_B = (0.0, 35.0)
"""Cheeks of all tuning people are within (7, 18) and (7, 23), official portraits in warm light
reach (24, 33)."""
_ONE_TINT = 1.0
"""Below this the photo is greyscale or toned, another rule's business."""


def _measure(analysis: Analysis) -> Measured:
    _, a, b = (float(value) for value in analysis.part(Skin).colour)
    if analysis.part(Skin).hue_variety() < _ONE_TINT:
        return None
    return max(_SKIN_A[0] - a, a - _SKIN_A[1], _SKIN_B[0] - b, b - _SKIN_B[1], 0.0)


RULE = Rule(
    code="colour.unnatural",
    clause="色彩真实自然",
    method="Distance of the cheeks' (a*, b*) from the range of human skin.",
    measurement="colour_cast",
    measure=_measure,
    high=Say(
        "肤色偏色（偏离 {value}）",
        "请在白色自然光下拍摄，关闭滤镜",
        "the colours are unnatural (off by {value})",
        "use white daylight and no filter",
    ),
    digits=1,
)
