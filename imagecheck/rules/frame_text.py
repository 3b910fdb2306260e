"""frame.text: the photo bears no text."""

from __future__ import annotations

from imagecheck.analysis import Analysis
from imagecheck.measures.marks import measure_glyph_row, measure_strokes
from imagecheck.rules.base import Measured, Rule, Say

_WALL_STROKES = 3.0
_GLYPHS = 12.0


def _measure(analysis: Analysis) -> Measured:
    on_wall = measure_strokes(analysis) if analysis.wall.is_plain else 0.0
    return max(on_wall / _WALL_STROKES, measure_glyph_row(analysis) / _GLYPHS)


RULE = Rule(
    code="frame.text",
    clause="照片上不得有文字、图案",
    method=(
        "Thin strokes on the wall (3 thousandths of the area) or twelve letter-high strokes in "
        "a row."
    ),
    measurement="text_marks",
    measure=_measure,
    high=Say(
        "照片上有文字或水印",
        "请上传没有日期、水印和标记的原图",
        "there is text on the photo",
        "send the original without date, watermark or logo",
        hint="照片上可能有文字或水印",
        hint_en="there may be text on the photo",
    ),
    digits=2,
)
