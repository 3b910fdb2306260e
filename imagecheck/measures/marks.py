"""Things that somebody put into the picture: a frame, a date, a watermark."""

import cv2
import numpy as np
import numpy.typing as npt

from imagecheck.analysis import Analysis
from imagecheck.wall import Lab, Mask

Floats = npt.NDArray[np.float32]

_BORDER_DEPTH_PX = 40
_JUMP_DELTA_E = 7.0
_EVEN_DELTA_E = 9.0
_STROKE_KERNEL = np.ones((9, 9), np.uint8)
_WALL_STROKE = 8.0
_CLOTH_STROKE = 20.0
_GLYPH_HEIGHT_PX = (6, 30)
_GLYPH_WIDTH_PX = (2, 30)
_LINE_PX = 6


def measure_border(analysis: Analysis) -> float:
    """How much of a side is cut off by a straight line with an even strip outside it, 0-1.

    The product of the line's length share and the evenness of the strip, of the worst side.
    """
    lab, depth = analysis.lab, _BORDER_DEPTH_PX + 4
    sides = (
        lab[:, :depth],
        lab[:, ::-1][:, :depth],
        lab[:depth].transpose(1, 0, 2),
        lab[::-1][:depth].transpose(1, 0, 2),
    )
    return max(_border_of_side(np.asarray(side)) for side in sides)


def _border_of_side(strip: Lab) -> float:
    jumps = np.linalg.norm(strip[:, 2:] - strip[:, :-2], axis=2)
    shares = (jumps > _JUMP_DELTA_E).mean(axis=0)
    best = 0.0
    for depth in np.flatnonzero(shares[1:_BORDER_DEPTH_PX] > 0.6) + 1:  # noqa: PLR2004
        outside = strip[:, :depth].reshape(-1, 3)
        even = np.linalg.norm(outside - np.median(outside, axis=0), axis=1) < _EVEN_DELTA_E
        best = max(best, float(shares[depth] * even.mean()))
    return best


def measure_strokes(analysis: Analysis) -> float:
    """Thin strong strokes on the wall, in thousandths of the picture's area."""
    strokes = _stroke_strength(analysis) > _WALL_STROKE
    open_wall = ~_person(analysis)
    open_wall[:4] = open_wall[-4:] = False
    open_wall[:, :4] = open_wall[:, -4:] = False
    return float((strokes & open_wall).sum()) / (analysis.width * analysis.height) * 1000


def measure_glyph_row(analysis: Analysis) -> float:
    """Most letter-sized strokes that stand in one row in the lower third: a printed date."""
    strength = _stroke_strength(analysis)
    top = analysis.height * 2 // 3
    strokes = (strength[top:] > _CLOTH_STROKE).astype(np.uint8)
    _, _, stats, centres = cv2.connectedComponentsWithStats(strokes, connectivity=8)
    heights, widths = stats[1:, cv2.CC_STAT_HEIGHT], stats[1:, cv2.CC_STAT_WIDTH]
    like = (heights >= _GLYPH_HEIGHT_PX[0]) & (heights <= _GLYPH_HEIGHT_PX[1])
    like &= (widths >= _GLYPH_WIDTH_PX[0]) & (widths <= _GLYPH_WIDTH_PX[1])
    rows = centres[1:, 1][like]
    return float(max(((np.abs(rows - y) < _LINE_PX).sum() for y in rows), default=0))


def _stroke_strength(analysis: Analysis) -> Floats:
    """How far a pixel stands out from its surroundings of nine pixels, Lab units."""
    strength = np.zeros(analysis.lab.shape[:2], np.float32)
    for channel in cv2.split(analysis.lab):
        opened = cv2.morphologyEx(channel, cv2.MORPH_OPEN, _STROKE_KERNEL)
        closed = cv2.morphologyEx(channel, cv2.MORPH_CLOSE, _STROKE_KERNEL)
        strength = np.maximum(strength, np.maximum(channel - opened, closed - channel))
    return strength


def _person(analysis: Analysis) -> Mask:
    """The person without thin parts, widened by twenty pixels for loose hair."""
    body = (~analysis.wall.mask).astype(np.uint8)
    disc = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (31, 31))
    body = cv2.morphologyEx(body, cv2.MORPH_OPEN, disc)
    _, labels = cv2.connectedComponents(body, connectivity=4)
    x, y = analysis.eye_middle
    row, column = min(analysis.height - 1, int(max(0, y))), min(analysis.width - 1, int(max(0, x)))
    own = (labels == labels[row, column]).astype(np.uint8)
    wide = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (41, 41))
    return np.asarray(cv2.dilate(own, wide), np.bool_)
