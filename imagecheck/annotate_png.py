"""Marks as PNG, with a Chinese font of the system; English words where there is none."""

from __future__ import annotations

import io
import shutil
import subprocess
from functools import cache
from pathlib import Path

from PIL import Image, ImageDraw, ImageFont

from imagecheck.decode import Rgb
from imagecheck.marks import TONES, Area, Label, Line, Marks
from imagecheck.sheet import Language, Sheet

_SCALE = 2  # drawn at twice the size: crisp on today's screens
_FONT_PX = 14
_WHITE = (255, 255, 255)
_FONT_FOLDERS = (
    "/usr/share/fonts",
    "/usr/local/share/fonts",
    "~/.fonts",
    "~/.local/share/fonts",
    "/System/Library/Fonts",
    "/Library/Fonts",
    "C:/Windows/Fonts",
)
_FONT_NAMES = (
    "NotoSansCJK-Regular.ttc",
    "NotoSansCJKsc-Regular.otf",
    "NotoSansSC-Regular.otf",
    "SourceHanSansSC-Regular.otf",
    "wqy-microhei.ttc",
    "wqy-zenhei.ttc",
    "DroidSansFallbackFull.ttf",
    "PingFang.ttc",
    "STHeiti Light.ttc",
    "msyh.ttc",
    "simhei.ttf",
    "simsun.ttc",
)

AnyFont = ImageFont.FreeTypeFont | ImageFont.ImageFont


def find_language() -> Language:
    """``zh`` when the system has a font with Chinese characters, else ``en``."""
    return "zh" if find_chinese_font() else "en"


@cache
def find_chinese_font() -> Path | None:
    """A font with simplified Chinese: a known sans-serif first, else what fontconfig names."""
    for folder in _FONT_FOLDERS:
        root = Path(folder).expanduser()
        for name in _FONT_NAMES:
            found = next(root.rglob(name), None) if root.is_dir() else None
            if found is not None:
                return found
    return _ask_fontconfig()


def _ask_fontconfig() -> Path | None:
    program = shutil.which("fc-list")
    if program is None:
        return None
    try:
        answer = subprocess.run(  # noqa: S603 - fixed arguments
            [program, ":lang=zh-cn", "file"], capture_output=True, text=True, timeout=10, check=True
        )
    except (OSError, subprocess.SubprocessError):
        return None
    files = (line.split(":")[0].strip() for line in sorted(answer.stdout.splitlines()))
    return next((Path(file) for file in files if file), None)


def render_sheet(sheet: Sheet, photo: Rgb | None, language: Language) -> bytes:
    """The sheet as a PNG at twice its nominal size."""
    image = Image.new("RGB", (sheet.width * _SCALE, sheet.height * _SCALE), _WHITE)
    if photo is not None:
        size = (sheet.marks.width * _SCALE, sheet.marks.height * _SCALE)
        image.paste(Image.fromarray(photo).resize(size, Image.Resampling.BICUBIC))
        _draw_marks(image, sheet.marks, language)
    pen = ImageDraw.Draw(image)
    for line in sheet.lines:
        font = _font(line.size)
        at = (line.x * _SCALE, line.y * _SCALE)
        pen.text(at, line.text, fill=TONES[line.tone], font=font, anchor="ls")
    out = io.BytesIO()
    image.save(out, "PNG", optimize=False)
    return out.getvalue()


@cache
def _font(size: int) -> AnyFont:
    path = find_chinese_font()
    if path is None:
        return ImageFont.load_default(size * _SCALE)
    return ImageFont.truetype(str(path), size * _SCALE, index=_simplified_face(path))


def _simplified_face(path: Path) -> int:
    """Number of the simplified Chinese face in a collection; 0 where there is but one."""
    if path.suffix.lower() != ".ttc":
        return 0
    for index in range(12):
        try:
            family = ImageFont.truetype(str(path), 10, index=index).getname()[0]
        except OSError:
            break
        if family and family.endswith(" SC"):
            return index
    return 0


def _draw_marks(image: Image.Image, marks: Marks, language: Language) -> None:
    bands = Image.new("RGBA", image.size, (0, 0, 0, 0))
    pen = ImageDraw.Draw(bands)
    for area in marks.areas:
        if area.is_filled:
            pen.rectangle(_corners(area), fill=(*TONES[area.tone], 90))
    image.paste(bands, mask=bands)
    pen = ImageDraw.Draw(image)
    for area in marks.areas:
        if not area.is_filled:
            _draw_place(pen, area)
    for line in marks.lines:
        _draw_line(pen, line)
    for label in marks.labels:
        _draw_label(pen, label, language)


def _corners(area: Area) -> list[float]:
    return [v * _SCALE for v in (area.left, area.top, area.right, area.bottom)]


def _draw_place(pen: ImageDraw.ImageDraw, area: Area) -> None:
    for width, colour in ((4 * _SCALE, _WHITE), (2 * _SCALE, TONES[area.tone])):
        pen.rounded_rectangle(_corners(area), 5 * _SCALE, outline=colour, width=width)


def _draw_line(pen: ImageDraw.ImageDraw, line: Line) -> None:
    x0, y0, x1, y1 = (v * _SCALE for v in (line.x0, line.y0, line.x1, line.y1))
    colour = TONES[line.tone]
    if line.is_dashed:
        _draw_dashes(pen, (x0, y0), (x1, y1), colour)
        return
    strokes = [(x0, y0, x1, y1)]
    for x, y in ((x0, y0), (x1, y1)) if line.has_ends else ():
        dx, dy = (0, 7 * _SCALE) if y0 == y1 else (7 * _SCALE, 0)
        strokes.append((x - dx, y - dy, x + dx, y + dy))
    for width, ink in ((4 * _SCALE, _WHITE), (2 * _SCALE, colour)):
        for stroke in strokes:
            pen.line(stroke, fill=ink, width=width)


def _draw_dashes(
    pen: ImageDraw.ImageDraw,
    start: tuple[float, float],
    end: tuple[float, float],
    colour: tuple[int, int, int],
) -> None:
    length = max(1.0, abs(end[0] - start[0]) + abs(end[1] - start[1]))
    step = 5 * _SCALE
    for at in range(0, int(length), 2 * step):
        a, b = at / length, min(1.0, (at + step) / length)
        points = [
            (start[0] + (end[0] - start[0]) * t, start[1] + (end[1] - start[1]) * t) for t in (a, b)
        ]
        pen.line(points, fill=colour, width=_SCALE // 2 or 1)


def _draw_label(pen: ImageDraw.ImageDraw, label: Label, language: Language) -> None:
    text = label.zh if language == "zh" else label.en
    anchor = {"start": "ls", "middle": "ms", "end": "rs"}[label.anchor]
    at = (label.x * _SCALE, label.y * _SCALE)
    pen.text(
        at,
        text,
        fill=TONES[label.tone],
        font=_font(_FONT_PX),
        anchor=anchor,
        stroke_width=2 * _SCALE,
        stroke_fill=_WHITE,
    )
