"""Where photos lie on paper, in millimetres: as many as fit, with marks that a knife can follow."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Size = tuple[float, float]
PaperName = Literal["5", "6", "a4"]


@dataclass(frozen=True, slots=True)
class Paper:
    """A sheet of paper.

    Attributes:
        label: what shops call it.
        size_mm: width and height, upright.
        margin_mm: what printers leave white at every edge; cut marks stand in it.
    """

    label: str
    size_mm: Size
    margin_mm: float


PAPERS: dict[str, Paper] = {
    "5": Paper("5寸（89×127 毫米）", (89.0, 127.0), 2.0),
    "6": Paper("6寸（102×152 毫米）", (102.0, 152.0), 2.0),
    "a4": Paper("A4（210×297 毫米）", (210.0, 297.0), 8.0),
}
GAP_MM = 2.0
"""Between photos, where it costs none: two cuts are safer than one."""
MARK_MM, MARK_AWAY_MM = 3.0, 0.5
"""Length of a cut mark, and its distance to the photo."""
_ROUNDING_MM = 0.001


@dataclass(frozen=True, slots=True)
class Layout:
    """A sheet with its places.

    Attributes:
        page_mm: width and height as it is printed, perhaps lying.
        photo_mm: width and height of a photo.
        columns, rows: of photos.
        gap_mm: between photos.
        left_mm, top_mm: where the first photo begins, from the upper left corner.
        pitch_mm: from one photo to the next, to the right and down.
    """

    page_mm: Size
    photo_mm: Size
    columns: int
    rows: int
    gap_mm: float
    left_mm: float
    top_mm: float
    pitch_mm: Size

    @property
    def count(self) -> int:
        """How many photos a sheet holds."""
        return self.columns * self.rows

    def place(self, number: int) -> Size:
        """Left and top of a photo, row by row."""
        row, column = divmod(number, self.columns)
        return self.left_mm + column * self.pitch_mm[0], self.top_mm + row * self.pitch_mm[1]

    def list_marks(self) -> list[tuple[float, float, float, float]]:
        """Lines (x1, y1, x2, y2) in the margins, one at each end of every cut."""
        (width, height), (page_w, page_h) = self.photo_mm, self.page_mm
        first, last = self.place(0), self.place(self.count - 1)
        beside = (first[0], -1.0), (last[0] + width, 1.0)
        above = (first[1], -1.0), (last[1] + height, 1.0)
        lines = []
        for x in self._list_cuts(0):
            for edge, away in above:
                y1, y2 = _reach(edge, away, page_h)
                lines.append((x, y1, x, y2))
        for y in self._list_cuts(1):
            for edge, away in beside:
                x1, x2 = _reach(edge, away, page_w)
                lines.append((x1, y, x2, y))
        return lines

    def _list_cuts(self, axis: int) -> list[float]:
        begin, count = ((self.left_mm, self.columns), (self.top_mm, self.rows))[axis]
        side, pitch = self.photo_mm[axis], self.pitch_mm[axis]
        edges = [begin + n * pitch + end for n in range(count) for end in (0.0, side)]
        return sorted({round(edge, 3) for edge in edges})


def _reach(edge: float, away: float, page: float) -> tuple[float, float]:
    """Both ends of a mark that begins beside an edge and stays on the page."""
    ends = edge + away * MARK_AWAY_MM, edge + away * (MARK_AWAY_MM + MARK_MM)
    low, high = (min(max(end, 0.0), page) for end in sorted(ends))
    return low, high


def lay_out(paper: Paper, photo_mm: Size, caption_mm: float = 0.0) -> Layout | None:
    """The layout that holds most photos, upright or lying; ``None`` when not even one fits.

    Args:
        paper: the sheet.
        photo_mm: width and height of a photo, kept exactly.
        caption_mm: height kept below each photo for words.
    """
    width, height = paper.size_mm
    options = [
        option
        for page in ((width, height), (height, width))
        for gap in (GAP_MM, 0.0)
        if (option := _fill(page, paper.margin_mm, photo_mm, gap, caption_mm)) is not None
    ]
    return max(options, key=lambda option: (option.count, option.gap_mm), default=None)


def _fill(page: Size, margin: float, photo: Size, gap: float, caption_mm: float) -> Layout | None:
    cell = photo[0], photo[1] + caption_mm
    counts = [
        int((side - 2 * margin + gap + _ROUNDING_MM) // (one + gap))
        for side, one in zip(page, cell, strict=True)
    ]
    if min(counts) < 1:
        return None
    taken = [n * one + (n - 1) * gap for n, one in zip(counts, cell, strict=True)]
    return Layout(
        page_mm=page,
        photo_mm=photo,
        columns=counts[0],
        rows=counts[1],
        gap_mm=gap,
        left_mm=(page[0] - taken[0]) / 2,
        top_mm=(page[1] - taken[1]) / 2,
        pitch_mm=(cell[0] + gap, cell[1] + gap),
    )
