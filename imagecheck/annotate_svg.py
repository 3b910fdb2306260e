"""Marks as SVG: a transparent overlay for pages, or a whole sheet with the photo in it.

Only presentation attributes are used, no style sheet and no ids, so that the overlay can stand
inline on a page with a strict content policy, more than once.
"""

from __future__ import annotations

import base64
from collections.abc import Iterable
from xml.sax.saxutils import escape, quoteattr

from imagecheck.marks import TONES, Area, Label, Line, Marks, Tone
from imagecheck.sheet import Sheet, TextLine

FONT_FAMILY = (
    "system-ui, 'PingFang SC', 'Microsoft YaHei', 'Noto Sans CJK SC', 'Noto Sans SC', sans-serif"
)
_FONT_PX = 14


def render_overlay(marks: Marks) -> str:
    """A transparent SVG of the size of the photo, to be laid over it."""
    title = "照片检测标注"
    head = (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {marks.width} {marks.height}" '
        f'role="img" aria-label={quoteattr(title)} font-family={quoteattr(FONT_FAMILY)} '
        f'font-size="{_FONT_PX}">'
    )
    words = f"<title>{title}</title><desc>{escape(marks.summary)}</desc>"
    return head + words + "".join(_draw(marks)) + "</svg>\n"


def render_sheet(sheet: Sheet, photo_jpeg: bytes | None) -> str:
    """The photo with its marks, and beside it what was measured and found, in words."""
    head = (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{sheet.width}" height="{sheet.height}" '
        f'viewBox="0 0 {sheet.width} {sheet.height}" role="img" '
        f'font-family={quoteattr(FONT_FAMILY)} font-size="{_FONT_PX}">'
    )
    parts = [
        head,
        f"<title>照片检测结果</title><desc>{escape(sheet.marks.summary)}</desc>",
        f'<rect width="{sheet.width}" height="{sheet.height}" fill="#fff"/>',
    ]
    if photo_jpeg is not None:
        data = base64.b64encode(photo_jpeg).decode()
        parts.append(
            f'<image width="{sheet.marks.width}" height="{sheet.marks.height}" '
            f'href="data:image/jpeg;base64,{data}"/>'
        )
        parts.extend(_draw(sheet.marks))
    parts.extend(_text_line(line) for line in sheet.lines)
    return "".join(parts) + "</svg>\n"


def _draw(marks: Marks) -> Iterable[str]:
    yield from map(_area, marks.areas)
    yield from map(_line, marks.lines)
    yield from map(_label, marks.labels)


def _colour(tone: Tone) -> str:
    return "#{:02x}{:02x}{:02x}".format(*TONES[tone])


def _area(area: Area) -> str:
    place = (
        f'<rect x="{area.left:.1f}" y="{area.top:.1f}" width="{area.right - area.left:.1f}" '
        f'height="{area.bottom - area.top:.1f}" '
    )
    if area.is_filled:
        return place + f'fill="{_colour(area.tone)}" fill-opacity="0.35"/>'
    halo = place + 'rx="5" fill="none" stroke="#fff" stroke-opacity="0.85" stroke-width="4.5"/>'
    return halo + place + f'rx="5" fill="none" stroke="{_colour(area.tone)}" stroke-width="2"/>'


def _line(line: Line) -> str:
    path = f'd="M{line.x0:.1f} {line.y0:.1f}L{line.x1:.1f} {line.y1:.1f}'
    for x, y in ((line.x0, line.y0), (line.x1, line.y1)) if line.has_ends else ():
        dx, dy = (0, 7) if line.y0 == line.y1 else (7, 0)
        path += f"M{x - dx:.1f} {y - dy:.1f}L{x + dx:.1f} {y + dy:.1f}"
    colour = _colour(line.tone)
    if line.is_dashed:
        return (
            f'<path {path}" fill="none" stroke="{colour}" stroke-width="1" '
            'stroke-opacity="0.7" stroke-dasharray="5 5"/>'
        )
    return (
        f'<path {path}" fill="none" stroke="#fff" stroke-opacity="0.85" stroke-width="4"/>'
        f'<path {path}" fill="none" stroke="{colour}" stroke-width="1.8"/>'
    )


def _label(label: Label) -> str:
    return (
        f'<text x="{label.x:.1f}" y="{label.y:.1f}" text-anchor="{label.anchor}" '
        f'fill="{_colour(label.tone)}" stroke="#fff" stroke-width="3.5" stroke-linejoin="round" '
        f'paint-order="stroke" font-weight="600">{escape(label.zh)}</text>'
    )


def _text_line(line: TextLine) -> str:
    weight = ' font-weight="700"' if line.is_heading else ""
    return (
        f'<text x="{line.x}" y="{line.y}" font-size="{line.size}" '
        f'fill="{_colour(line.tone)}"{weight}>{escape(line.text)}</text>'
    )
