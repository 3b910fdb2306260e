"""What is drawn over a photo: lines, bands, boxes and words, before anybody knows how to draw them.

Coordinates are pixels of the analysis' view, which is 480x640 for a standard photo.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Literal

import numpy as np
import numpy.typing as npt

from imagecheck.analysis import Analysis
from imagecheck.report import Band, Finding, Report
from imagecheck.rules.wording import fill_slots

Tone = Literal["pass", "warn", "fail", "unknown", "guide"]
Shape = npt.NDArray[np.float64]
"""float64 (4,): left, top, right, bottom."""

TONES: dict[Tone, tuple[int, int, int]] = {
    "pass": (0, 135, 60),
    "warn": (190, 105, 0),
    "fail": (205, 20, 35),
    "unknown": (105, 75, 160),
    "guide": (70, 80, 95),
}
"""Colours that keep a contrast of 4.5:1 on white; never the only sign: every mark has its words."""

RULER_PX = 12.0
_LABEL_PX = (124.0, 18.0)
"""Room that a short label takes."""


@dataclass(frozen=True, slots=True)
class Line:
    """A straight line, perhaps dashed, perhaps with an end mark across."""

    x0: float
    y0: float
    x1: float
    y1: float
    tone: Tone
    is_dashed: bool = False
    has_ends: bool = False


@dataclass(frozen=True, slots=True)
class Area:
    """A rectangle: a filled allowed band, or the outlined place of a finding."""

    left: float
    top: float
    right: float
    bottom: float
    tone: Tone
    is_filled: bool = False


@dataclass(frozen=True, slots=True)
class Label:
    """Words at a point; ``anchor`` is the side of the words that stands there."""

    x: float
    y: float
    zh: str
    en: str
    tone: Tone
    anchor: Literal["start", "middle", "end"] = "start"


@dataclass(slots=True)
class Marks:
    """All marks of one photo, to be drawn in this order, and the same in words."""

    width: int
    height: int
    areas: list[Area] = field(default_factory=list)
    lines: list[Line] = field(default_factory=list)
    labels: list[Label] = field(default_factory=list)
    measured: list[tuple[str, str, Tone]] = field(default_factory=list)
    messages: list[str] = field(default_factory=list)

    @property
    def summary(self) -> str:
        """The same in Chinese words, for those who cannot see it."""
        return "；".join([*(zh for zh, _, _ in self.measured), *self.messages])


def make_marks(analysis: Analysis, report: Report) -> Marks:
    """Everything worth drawing about this photo.

    Args:
        analysis: of the photo that the marks will lie on.
        report: its findings; only those with a place on the photo are drawn.
    """
    marks = Marks(analysis.width, analysis.height)
    if analysis.face is not None:
        tones = {finding.code: finding.status for finding in report.findings}
        _mark_rows(marks, analysis, tones)
        _mark_face_width(marks, analysis, tones)
        _mark_centre(marks, analysis, tones)
    _mark_findings(marks, analysis, report.findings)
    return marks


def _mark_rows(marks: Marks, analysis: Analysis, tones: Mapping[str, Tone]) -> None:
    rows = (
        ("geometry.head_top", analysis.hair_top_px, "头顶", "head top"),
        ("geometry.eye_line", analysis.eye_line_px, "眼睛", "eyes"),
    )
    for code, value, zh, en in rows:
        band = analysis.profile.limit(code).fail
        tone = tones.get(code, "pass")
        _mark_row_band(marks, band)
        if value is None:
            continue
        marks.lines.extend(_beside_face(analysis, value, tone))
        value_at = Label(RULER_PX + 4, value - 5, zh, en, tone)
        _mark_value(marks, value_at, Label(RULER_PX + 4, value + 16, "", "", tone), value, band)


def _beside_face(analysis: Analysis, y: float, tone: Tone) -> list[Line]:
    """A line across the photo that leaves the face itself free to be looked at."""
    width = float(analysis.width)
    if y < analysis.points[17:27, 1].min():
        return [Line(0, y, width, y, tone)]
    left, right = float(analysis.points[0, 0]), float(analysis.points[16, 0])
    return [Line(0, y, max(0.0, left), y, tone), Line(min(right, width), y, width, y, tone)]


def _mark_row_band(marks: Marks, band: Band) -> None:
    low, high = band[0] or 0.0, band[1] or float(marks.height)
    for left in (0.0, marks.width - RULER_PX):
        marks.areas.append(Area(left, low, left + RULER_PX, high, "pass", is_filled=True))
    for y in (low, high):
        marks.lines.append(Line(0, y, marks.width, y, "pass", is_dashed=True))


def _mark_face_width(marks: Marks, analysis: Analysis, tones: Mapping[str, Tone]) -> None:
    code = "geometry.face_width"
    band, tone = analysis.profile.limit(code).fail, tones.get(code, "pass")
    x0, x1 = float(analysis.points[0, 0]), float(analysis.points[16, 0])
    low, high = band[0] or 0.0, band[1] or float(marks.width)
    # below the chin, where it hides nothing that has to be looked at
    y = min(float(analysis.points[8, 1]) + 18, marks.height - 60.0)
    middle, half = (x0 + x1) / 2, RULER_PX / 2
    for side in (-1, 1):
        left, right = sorted((middle + side * low / 2, middle + side * high / 2))
        marks.areas.append(Area(left, y - half, right, y + half, "pass", is_filled=True))
    marks.lines.append(Line(x0, y, x1, y, tone, has_ends=True))
    value_at = Label(middle, y - 7, "脸宽", "face", tone, "middle")
    limit_at = Label(middle, y + 18, "", "", tone, "middle")
    _mark_value(marks, value_at, limit_at, analysis.face_width_px, band)


def _mark_centre(marks: Marks, analysis: Analysis, tones: Mapping[str, Tone]) -> None:
    tone = tones.get("geometry.off_centre", "pass")
    middle, centre = marks.width / 2, analysis.face_centre_x_px
    bottom = float(marks.height)
    marks.lines.append(Line(middle, 0, middle, bottom, "guide", is_dashed=True))
    marks.lines.append(Line(centre, bottom - 46, centre, bottom, tone, has_ends=True))
    offset = centre - middle
    side_zh, side_en = ("右", "right") if offset > 0 else ("左", "left")
    size = _tell(offset, analysis.profile.limit("geometry.off_centre").fail).lstrip("-")
    zh, en = f"偏{side_zh} {size} 像素", f"{size} px {side_en}"
    if size == "0":
        zh, en = "正中", "in the middle"
    marks.labels.append(Label(centre + 6, bottom - 30, zh, en, tone))
    marks.measured.append((f"居中：{zh}", f"centre: {en}", tone))


def _mark_value(marks: Marks, value_at: Label, limit_at: Label, value: float, band: Band) -> None:
    """Write the value and, beside it, what is allowed."""
    ends = ["" if end is None else f"{end:g}" for end in band]
    allowed_zh, allowed = " 到 ".join(ends), "-".join(ends)
    told = _tell(value, band)
    zh, en = f"{value_at.zh} {told} 像素", f"{value_at.en} {told} px"
    marks.labels.append(replace(value_at, zh=zh, en=en))
    marks.labels.append(replace(limit_at, zh=f"应为 {allowed_zh}", en=f"{allowed} allowed"))
    marks.measured.append(
        (f"{zh}（应为 {allowed_zh}）", f"{en} ({allowed} allowed)", value_at.tone)
    )


def _tell(value: float, band: Band) -> str:
    """Whole pixels; a value outside of its band never reads as inside."""
    return fill_slots(value, band, 0)["value"]


def _mark_findings(marks: Marks, analysis: Analysis, findings: Sequence[Finding]) -> None:
    taken = [(label.x, label.y) for label in marks.labels]
    for number, finding in enumerate(findings, start=1):
        marks.messages.append(finding.message)
        if finding.code.startswith("geometry."):
            continue  # drawn as a line with its band already
        tone = finding.status
        zh, en = NAMES.get(finding.code, (finding.code, finding.code))
        places = _places(analysis, finding.code)
        for place in places:
            left, top, right, bottom = (float(value) for value in place)
            marks.areas.append(Area(left, top, right, bottom, tone))
        if places:
            x, y = _free_spot(max(places, key=_width), taken, marks)
            marks.labels.append(Label(x, y, f"{number} {zh}", f"{number} {en}", tone))


def _width(place: Shape) -> float:
    return float(place[2] - place[0])


def _free_spot(place: Shape, taken: list[tuple[float, float]], marks: Marks) -> tuple[float, float]:
    """On the upper left corner of the place, moved down while other words stand there."""
    x = min(max(4.0, float(place[0]) + 3), marks.width - _LABEL_PX[0])
    y = max(16.0, float(place[1]) - 4)
    for _ in range(12):
        if all(
            abs(y - other_y) >= _LABEL_PX[1] or abs(x - other_x) >= _LABEL_PX[0]
            for other_x, other_y in taken
        ):
            break
        y += _LABEL_PX[1]
    y = min(y, marks.height - 6.0)
    taken.append((x, y))
    return x, y


def _places(analysis: Analysis, code: str) -> list[Shape]:
    """Where on the photo a finding is seen; nothing for findings about the file as a whole."""
    group = code.split(".", maxsplit=1)[0]
    w, h = float(analysis.width), float(analysis.height)
    if analysis.face is None:
        return []
    if code == "face.multiple":
        return [_around(face.points, 0.05) for face in analysis.faces]
    if group in _ON_FACE:
        return [_around(analysis.points[part], _ON_FACE_MARGIN) for part in _ON_FACE[group]]
    if code in _ON_FACE:
        return [_around(analysis.points[part], _ON_FACE_MARGIN) for part in _ON_FACE[code]]
    jaw, width = analysis.points[0:17], analysis.face_width_px
    left, top, right, bottom = _around(jaw, 0.0)
    side = 0.16 * width
    beside_head = [
        np.array([3, 3, max(20.0, left - 0.3 * width), bottom]),
        np.array([min(w - 20, right + 0.3 * width), 3, w - 3, bottom]),
    ]
    places = {
        "ears.hidden": [
            np.array([left - side, top - side, left + side / 3, top + 2.5 * side]),
            np.array([right - side / 3, top - side, right + side, top + 2.5 * side]),
        ],
        "head.covered": [np.array([left, top - 0.95 * width, right, top - 0.25 * width])],
        "pose.shoulders": [np.array([3, min(h - 40, bottom + 0.1 * width), w - 3, h - 3])],
        "clothing.blends": [np.array([3, min(h - 40, bottom + 0.25 * width), w - 3, h - 3])],
        "background.colour": beside_head,
        "background.uneven": beside_head,
        "background.shadow": beside_head,
        "background.object": beside_head,
        "frame.border": [np.array([1, 1, w - 1, h - 1])],
        "frame.text": beside_head,
    }
    return places.get(code, [])


def _around(points: npt.NDArray[np.float64], margin: float) -> Shape:
    """Box around points, grown by a share of its own size."""
    low, high = points.min(axis=0), points.max(axis=0)
    grow = margin * float((high - low).max())
    return np.concatenate([low - grow, high + grow])


_ON_FACE_MARGIN = 0.25
_EYES = [slice(36, 42), slice(42, 48)]
_BOTH_EYES = [slice(36, 48)]
_BROWS = [slice(17, 22), slice(22, 27)]
_MOUTH = [slice(48, 68)]
_FACE = [slice(0, 27)]
_CHEEKS = [slice(1, 5), slice(12, 16)]
_ON_FACE: dict[str, list[slice]] = {
    "eyes": _EYES,
    "glasses": _BOTH_EYES,
    "mouth": _MOUTH,
    "expression": _MOUTH,
    "hair.brows": _BROWS,
    "hair.eyes": _EYES,
    "light.uneven": _CHEEKS,
    "light": _FACE,
    "colour": _FACE,
    "pose.roll": _BOTH_EYES,
    "pose.yaw": [slice(27, 36)],
    "pose.pitch": [slice(27, 36)],
    "face.cut_off": _FACE,
    "face.covered": _FACE,
    "face.upside_down": _FACE,
}

NAMES: dict[str, tuple[str, str]] = {
    "face.multiple": ("多张人脸", "several faces"),
    "face.cut_off": ("面部不完整", "face cut off"),
    "face.covered": ("面部被遮挡", "face covered"),
    "face.upside_down": ("照片倒置", "upside down"),
    "pose.roll": ("头部歪斜", "head tilted"),
    "pose.yaw": ("头部侧转", "head turned"),
    "pose.pitch": ("抬头或低头", "head up or down"),
    "pose.shoulders": ("肩膀不平", "shoulders"),
    "eyes.closed": ("闭眼", "eyes closed"),
    "eyes.gaze": ("视线偏移", "gaze"),
    "eyes.red": ("红眼", "red eyes"),
    "glasses.tinted": ("镜片有色", "tinted lenses"),
    "glasses.glare": ("镜片反光", "glare"),
    "glasses.frame": ("镜框遮眼", "frame on eyes"),
    "mouth.open": ("张嘴", "mouth open"),
    "expression.smile": ("笑容明显", "smile"),
    "hair.brows": ("头发遮眉", "hair on brows"),
    "hair.eyes": ("头发遮眼", "hair on eyes"),
    "ears.hidden": ("耳朵被遮", "ears hidden"),
    "head.covered": ("头部遮盖", "head covered"),
    "light.dark": ("面部偏暗", "too dark"),
    "light.bright": ("面部过亮", "too bright"),
    "light.uneven": ("光线不匀", "uneven light"),
    "light.highlight": ("面部反光", "highlight"),
    "colour.unnatural": ("偏色", "colour cast"),
    "colour.greyscale": ("黑白照片", "greyscale"),
    "background.colour": ("背景颜色", "wall colour"),
    "background.uneven": ("背景不匀", "wall uneven"),
    "background.shadow": ("背景阴影", "shadow on wall"),
    "background.object": ("背景杂物", "object on wall"),
    "frame.border": ("边框", "border"),
    "frame.text": ("文字", "text"),
    "clothing.blends": ("衣服近背景色", "clothes like wall"),
}
"""Short names of the findings that have a place on the photo, Chinese and English."""
