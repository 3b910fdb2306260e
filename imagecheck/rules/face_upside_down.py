"""face.upside_down: the face stands upright."""

from __future__ import annotations

from imagecheck.analysis import Analysis
from imagecheck.rules.base import Measured, Rule, Say


def _measure(analysis: Analysis) -> Measured:
    if analysis.search.turned_deg:
        return float(analysis.search.turned_deg)
    if analysis.face is None:
        return None
    return 180.0 if analysis.points[62, 1] < analysis.eye_line_px else 0.0


RULE = Rule(
    code="face.upside_down",
    clause="不得旋转",
    method="The detector's score, compared with the picture turned by quarters.",
    measurement="turned_deg",
    measure=_measure,
    high=Say(
        "照片是横着或倒着的，要转 {value} 度才正",
        "请把照片转正后再上传",
        "the photo must be turned by {value} degrees to stand upright",
        "turn it and send it again",
    ),
    needs="picture",
)
