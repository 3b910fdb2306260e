"""Cuts the 480x640 standard photo out of a picture: one scale, one crop.

Never stretches, rotates, mirrors or retouches.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from math import ceil

import numpy as np
from PIL import Image

from imagecheck.analysis import FRAME_PX, Analysis
from imagecheck.decode import Picture, Rgb
from imagecheck.faces import Search
from imagecheck.framing import Head, NoRoom, Placement, find_overflow, plan_placement
from imagecheck.nudge import Nudge
from imagecheck.warp import warp

_FIRST_LOOK = {"face_width": 95.0, "eye_line": 165.0}
"""Size and height at which a head is measured before the final crop, px: room for high hair. Half
the final size: a row is worth two there, the bands are sixty wide."""
_FIRST_LOOK_PX = FRAME_PX[0] // 2, FRAME_PX[1] // 2


@dataclass(frozen=True, slots=True, eq=False)
class Framed:
    """The standard photo as pixels.

    Attributes:
        pixels: uint8 (640, 480, 3) RGB.
        enlargement: photo pixels for one pixel of the decoded picture; above 1 the source was
            too small.
    """

    pixels: Rgb
    enlargement: float = 1.0


def frame_picture(
    picture: Picture,
    analysis: Analysis,
    decode_larger: Callable[[tuple[int, int]], Picture],
    nudge: Nudge | None = None,
    *,
    is_framed: bool = False,
) -> Framed | NoRoom:
    """Cut the standard photo out of a picture.

    Args:
        picture: upright pixels, perhaps reduced.
        analysis: of the whole picture; its largest face is framed.
        decode_larger: decodes the file again, at least that large (width, height), should the head
            be small in a reduced picture.
        nudge: moves and scales the crop that would be made otherwise.
        is_framed: the picture as it is is the crop that would be made.

    Returns:
        `NoRoom` when the head is too near the border, or the nudge reaches beyond it.

    Raises:
        LookupError: there is no face.
    """
    size = (analysis.width, analysis.height)
    placement = (
        Placement(1.0, 0.0, 0.0)
        if is_framed
        else plan_placement(_measure_head(picture, analysis), size, analysis.profile)
    )
    if isinstance(placement, NoRoom):
        return placement
    if nudge is not None:
        placement = placement.then(Placement(nudge.factor, *nudge.shift()))
        if overflow := find_overflow(placement, size):
            return overflow
    enlargement = placement.factor / analysis.factor
    if enlargement > 1 and picture.reduction > 1:
        height, width = picture.pixels.shape[:2]
        picture = decode_larger((ceil(width * enlargement), ceil(height * enlargement)))
        enlargement *= width / picture.pixels.shape[1]
    pixels = _cut_out(picture, placement.source_box(FRAME_PX), analysis.width, FRAME_PX)
    return Framed(pixels, enlargement)


def _measure_head(picture: Picture, analysis: Analysis) -> Head:
    """The head in view coordinates, measured on a cut near the final scale.

    In a phone photo the wall beside the crop may be anything; only what will be seen counts.
    """
    factor = _FIRST_LOOK["face_width"] / analysis.face_width_px
    wanted = Placement(
        factor,
        _FIRST_LOOK_PX[0] / 2 - factor * analysis.face_centre_x_px,
        _FIRST_LOOK["eye_line"] - factor * analysis.eye_line_px,
    )
    left, top, right, bottom = wanted.source_box(_FIRST_LOOK_PX)
    box = max(0.0, left), max(0.0, top), min(analysis.width, right), min(analysis.height, bottom)
    size = round((box[2] - box[0]) * factor), round((box[3] - box[1]) * factor)
    cut = Placement(factor, -box[0] * factor, -box[1] * factor)
    near = Analysis(
        _cut_roughly(picture, cut, analysis.width, size),
        analysis.facts,
        profile=analysis.profile,
        mode="capture",
        search=Search(analysis.faces[:1]).mapped(cut.factor, cut.dx, cut.dy),
    )
    return Head.of_analysis(near).mapped(cut.inverse())


def _cut_roughly(
    picture: Picture, placement: Placement, view_width: int, size: tuple[int, int]
) -> Rgb:
    """What the placement of a view shows, fast: good enough to measure by, not to keep."""
    factor = placement.factor * view_width / picture.pixels.shape[1]
    shift = (factor - 1) / 2  # pixels are squares, their coordinates are middles
    to_cut = np.array([[factor, 0, placement.dx + shift], [0, factor, placement.dy + shift]])
    return warp(picture.pixels, to_cut, size)


def _cut_out(
    picture: Picture,
    box: tuple[float, float, float, float],
    view_width: int,
    size: tuple[int, int],
) -> Rgb:
    """Cut a box out of the picture and scale it to ``size``; both sides by the same factor.

    Args:
        picture: the source.
        box: left, top, right, bottom in pixels of a view that shows the whole picture.
        view_width: width of that view.
        size: width and height of the result.
    """
    h, w = picture.pixels.shape[:2]
    scale = w / view_width
    left, top, right, bottom = (value * scale for value in box)
    x0, y0 = max(0, int(left) - 8), max(0, int(top) - 8)
    x1, y1 = min(w, int(right) + 9), min(h, int(bottom) + 9)
    part = Image.fromarray(np.ascontiguousarray(picture.pixels[y0:y1, x0:x1]))
    inside = (
        max(0.0, left - x0),
        max(0.0, top - y0),
        min(float(part.width), right - x0),
        min(float(part.height), bottom - y0),
    )
    # bicubic keeps dark hair before a light wall free of the bright rim that sharper filters draw
    return np.asarray(part.resize(size, Image.Resampling.BICUBIC, box=inside))
