"""Things that somebody put into the picture: a frame, a date, a watermark."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from imagecheck.analysis import Analysis
from imagecheck.ranks import find_median_colour
from imagecheck.wall import Plane, square_distance

_BORDER_DEPTH_PX = 40
_PATTERN_DEPTH_PX = 110
_PATTERN_SHARE, _PATTERN_LINES = 0.4, 2
"""Further lines along the side, so long and so many behind the first: stripes or bricks."""
_JUMP_DELTA_E = 7.0
_EVEN_DELTA_E = 9.0
_STROKE_KERNEL = np.ones((9, 9), np.uint8)
_WALL_STROKE = 8
_CLOTH_STROKE = 20
_GLYPH_HEIGHT_PX = (8, 34)
_LINE_PX = 6
_EDGE_PX, _COARSE = 4, 4


@dataclass(frozen=True, slots=True)
class _Side:
    """One side of the picture; its lines run along ``axis``, 0 for rows.

    Attributes:
        axis: 0 for the upper and the lower side, 1 for the left and the right one.
        is_far: the lower or the right one.
    """

    axis: int
    is_far: bool

    def cut(self, plane: Plane, first: int, last: int) -> Plane:
        """The part of a plane that lies between two depths, as it lies in the picture."""
        depths = slice(-last, -first or None) if self.is_far else slice(first, last)
        return plane[:, depths] if self.axis else plane[depths]

    def measure_shares(self, strip: Sequence[Plane]) -> npt.NDArray[np.float64]:
        """Share of every line at which the picture jumps, the outermost first."""
        total = None
        for plane in strip:
            before, after = (plane[:, :-2], plane[:, 2:]) if self.axis else (plane[:-2], plane[2:])
            step = cv2.subtract(after, before)
            if total is None:
                total = cv2.multiply(step, step)
            else:
                cv2.accumulateSquare(step, total)
        _, jumps = cv2.threshold(np.asarray(total), _JUMP_DELTA_E**2, 1, cv2.THRESH_BINARY)
        shares = np.ravel(cv2.reduce(jumps, 1 - self.axis, cv2.REDUCE_AVG))
        return np.asarray(shares[::-1] if self.is_far else shares, np.float64)


_SIDES = tuple(_Side(axis, is_far) for axis in (0, 1) for is_far in (False, True))


def measure_border(analysis: Analysis) -> float:
    """How much of a side is cut off by a straight line with an even strip outside it, 0-1.

    The product of the line's length share and the evenness of the strip, of the worst side.
    """
    return max(_border_of_side(analysis.lab_planes, side) for side in _SIDES)


def _border_of_side(planes: Sequence[Plane], side: _Side) -> float:
    """The same of one side."""
    strip = [side.cut(plane, 0, _BORDER_DEPTH_PX + 4) for plane in planes]
    if min(strip[0].shape) <= 2:  # noqa: PLR2004 - a jump is seen over two lines
        return 0.0
    shares = side.measure_shares(strip)
    best = 0.0
    for depth in np.flatnonzero(shares[1:_BORDER_DEPTH_PX] > 0.6) + 1:  # noqa: PLR2004
        outside = np.stack([side.cut(plane, 0, int(depth)) for plane in planes], axis=-1)
        even = square_distance(outside, find_median_colour(outside)) < _EVEN_DELTA_E**2
        best = max(best, float(shares[depth] * even.mean()))
    return 0.0 if best > 0 and _goes_on(planes, side) else best


def _goes_on(planes: Sequence[Plane], side: _Side) -> bool:
    """Whether such lines recur further inside."""
    further = [side.cut(plane, _BORDER_DEPTH_PX + 4, _PATTERN_DEPTH_PX) for plane in planes]
    if min(further[0].shape) <= 2:  # noqa: PLR2004 - the picture ends there
        return False
    return _count_runs(side.measure_shares(further) > _PATTERN_SHARE) >= _PATTERN_LINES


def _count_runs(line: npt.NDArray[np.bool_]) -> int:
    """How often False turns into True, counting a True at the start."""
    return int(line[:1].sum() + (line[1:] & ~line[:-1]).sum())


class Strokes:
    """How far every pixel stands out from its surroundings of nine pixels.

    Attributes:
        strength: uint8 (h, w), whole Lab units, the worst of the three channels.
    """

    def __init__(self, analysis: Analysis) -> None:
        """Take any analysis."""
        light, a, b = analysis.lab_planes
        levels = cv2.convertScaleAbs(light), *(cv2.convertScaleAbs(p, beta=128) for p in (a, b))
        of_light, of_a, of_b = (_stand_out(plane) for plane in levels)
        self.strength = np.asarray(cv2.max(of_light, cv2.max(of_a, of_b)), np.uint8)


def _stand_out(plane: cv2.typing.MatLike) -> cv2.typing.MatLike:
    """By how much thin things are lighter or darker than what is around them."""
    opened = cv2.morphologyEx(plane, cv2.MORPH_OPEN, _STROKE_KERNEL)
    closed = cv2.morphologyEx(plane, cv2.MORPH_CLOSE, _STROKE_KERNEL)
    return cv2.max(cv2.subtract(plane, opened), cv2.subtract(closed, plane))


def measure_strokes(analysis: Analysis) -> float:
    """Thin strong strokes on the wall, in thousandths of the picture's area."""
    strength = analysis.part(Strokes).strength
    inner = np.s_[_EDGE_PX:-_EDGE_PX, _EDGE_PX:-_EDGE_PX]
    strokes = (strength[inner] > _WALL_STROKE) & (_person(analysis)[inner] == 0)
    return np.count_nonzero(strokes) / strength.size * 1000


def measure_glyph_row(analysis: Analysis) -> float:
    """Most strokes crossed by one line through letter-high marks in the lower third: a date.

    Letters that touch form one mark; the strokes within it are counted, not the mark.
    """
    top = analysis.height * 2 // 3
    strokes = (analysis.part(Strokes).strength[top:] > _CLOTH_STROKE).astype(np.uint8)
    _, labels, stats, centres = cv2.connectedComponentsWithStats(
        strokes, connectivity=8, ltype=cv2.CV_16U
    )
    heights = stats[:, cv2.CC_STAT_HEIGHT]
    like = (heights >= _GLYPH_HEIGHT_PX[0]) & (heights <= _GLYPH_HEIGHT_PX[1])
    marks = [mark for mark in np.flatnonzero(like) if mark]
    rows = np.array([centres[mark, 1] for mark in marks])
    counts = np.array(
        [_count_crossings(np.asarray(labels), stats[mark], int(mark)) for mark in marks]
    )
    return float(max((counts[np.abs(rows - y) < _LINE_PX].sum() for y in rows), default=0))


def _count_crossings(labels: npt.NDArray[np.uint16], box: npt.NDArray[np.int32], mark: int) -> int:
    """Strokes of one mark that its richest row crosses."""
    left, top, width, height = box[:4]
    inside = labels[top : top + height, left : left + width] == mark
    starts = inside[:, 1:] & ~inside[:, :-1]
    return int((starts.sum(axis=1) + inside[:, 0]).max())


def _person(analysis: Analysis) -> npt.NDArray[np.uint8]:
    """1 on the person without thin parts, widened by twenty pixels for loose hair, 0 elsewhere.

    Sought at a quarter of the size: discs are dear.
    """
    h, w = analysis.height, analysis.width
    size = max(1, w // _COARSE), max(1, h // _COARSE)
    body = cv2.resize((~analysis.wall.mask).view(np.uint8), size, interpolation=cv2.INTER_NEAREST)
    opened = cv2.morphologyEx(body, cv2.MORPH_OPEN, _disc(7))
    _, labels = cv2.connectedComponents(opened, connectivity=4)
    x, y = analysis.eye_middle / _COARSE
    row, column = min(max(0, int(y)), size[1] - 1), min(max(0, int(x)), size[0] - 1)
    own = (labels == labels[row, column]).astype(np.uint8)
    wide = cv2.dilate(own, _disc(11))
    if (w % _COARSE, h % _COARSE) == (0, 0):  # a third of the time
        return np.repeat(np.repeat(np.asarray(wide, np.uint8), _COARSE, axis=1), _COARSE, axis=0)
    wide = cv2.resize(wide, (w, h), interpolation=cv2.INTER_NEAREST)
    return np.asarray(wide, np.uint8)


def _disc(size_px: int) -> npt.NDArray[np.uint8]:
    kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (size_px, size_px))
    return np.asarray(kernel, np.uint8)
