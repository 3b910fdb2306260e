"""Draws photos onto paper as a PDF, every one of its exact size.

Chinese words are set in STSong-Light, one of the fonts that every PDF reader brings or replaces by
the system's own: nothing is embedded, so no machine needs a font file to print.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from reportlab.lib.units import mm
from reportlab.lib.utils import ImageReader
from reportlab.pdfbase import pdfmetrics
from reportlab.pdfbase.cidfonts import UnicodeCIDFont
from reportlab.pdfgen.canvas import Canvas

from server.services.prints.paper import Layout, Size

FONT = "STSong-Light"
CAPTION_MM, CAPTION_PT = 5.0, 7.0
HAIRLINE_PT = 0.25
BASIC_PLANE = 0xFFFF
"""The font's encoding ends here; a rarer character of a name is shown as a mark."""
RARE = "〓"


@dataclass(frozen=True, slots=True)
class Print:
    """One photo on paper and the words below it."""

    jpeg: bytes
    caption: str = ""


class Pages:
    """A PDF that is being drawn; lengths in millimetres from the upper left corner."""

    def __init__(self, page_mm: Size, title: str) -> None:
        pdfmetrics.registerFont(UnicodeCIDFont(FONT))
        self._out = io.BytesIO()
        self._page = page_mm
        self._canvas = Canvas(self._out, pagesize=(page_mm[0] * mm, page_mm[1] * mm))
        self._canvas.setTitle(title)
        # readers would shrink the page into the printer's margins and no photo had its size
        self._canvas.setViewerPreference("PrintScaling", "None")

    def draw_photo(self, reader: ImageReader, at: Size, size: Size) -> None:
        """Place a picture by its upper left corner."""
        x, y = at[0] * mm, (self._page[1] - at[1] - size[1]) * mm
        self._canvas.drawImage(reader, x, y, size[0] * mm, size[1] * mm)

    def draw_line(self, line: tuple[float, float, float, float]) -> None:
        """A line from one point to another."""
        x1, y1, x2, y2 = line
        top = self._page[1]
        self._canvas.setLineWidth(HAIRLINE_PT)
        self._canvas.line(x1 * mm, (top - y1) * mm, x2 * mm, (top - y2) * mm)

    def draw_box(self, at: Size, size: Size) -> None:
        """An empty frame."""
        self._canvas.setLineWidth(HAIRLINE_PT)
        self._canvas.rect(
            at[0] * mm, (self._page[1] - at[1] - size[1]) * mm, size[0] * mm, size[1] * mm
        )

    def write(
        self, text: str, at: Size, size_pt: float, *, widest_mm: float, is_centred: bool = False
    ) -> None:
        """Words whose line ends at ``at``; they get smaller until they fit."""
        shown = show(text)
        width = pdfmetrics.stringWidth(shown, FONT, size_pt)
        size_pt *= min(1.0, widest_mm * mm / width) if width else 1.0
        self._canvas.setFont(FONT, size_pt)
        place = self._canvas.drawCentredString if is_centred else self._canvas.drawString
        place(at[0] * mm, (self._page[1] - at[1]) * mm, shown)

    def next_page(self) -> None:
        """End this page."""
        self._canvas.showPage()

    def finish(self) -> bytes:
        """The file."""
        self._canvas.save()
        return self._out.getvalue()


def show(text: str) -> str:
    """The text with a mark in place of what the font cannot encode."""
    return "".join(char if ord(char) <= BASIC_PLANE else RARE for char in text)


def draw_sheets(
    prints: Iterable[Print],
    layout: Layout,
    *,
    title: str,
    copies: int = 1,
    between: Callable[[], None] = lambda: None,
) -> tuple[bytes, int]:
    """Lay the photos out one after the other, each so often; returns the PDF and its pages.

    Args:
        prints: in the order of the sheet.
        layout: the places of one page.
        title: of the document.
        copies: of each photo; 0 fills the page with each.
        between: called after each photo, to let others have their turn.
    """
    pages = Pages(layout.page_mm, title)
    place, count = 0, 0
    for one in prints:
        reader = ImageReader(io.BytesIO(one.jpeg))
        for _ in range(copies or layout.count):
            if place == layout.count:
                pages.next_page()
                place = 0
            if place == 0:
                count += 1
                for mark in layout.list_marks():
                    pages.draw_line(mark)
            _draw_one(pages, reader, one.caption, layout, place)
            place += 1
        between()
    return pages.finish(), count


def _draw_one(pages: Pages, reader: ImageReader, caption: str, layout: Layout, place: int) -> None:
    left, top = layout.place(place)
    width, height = layout.photo_mm
    pages.draw_photo(reader, (left, top), (width, height))
    if caption:
        at = (left + width / 2, top + height + CAPTION_MM - 2)
        pages.write(caption, at, CAPTION_PT, widest_mm=width, is_centred=True)
