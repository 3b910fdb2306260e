"""A picture that other pictures are cut from, perhaps with the person taken off its wall."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from PIL import Image

from imagecheck.decode import Rgb
from imagecheck.matting import Cutout

Box = tuple[float, float, float, float]
"""Left, top, right, bottom."""
_FILTER_REACH_PX = 8


@dataclass(frozen=True, slots=True, eq=False)
class Plate:
    """A part of the view, at some scale.

    Attributes:
        pixels: uint8 (h, w, 3) RGB.
        left, top: where it begins in the view.
        factor: its pixels for one of the view.
        cutout: the person taken off the wall.
    """

    pixels: Rgb
    left: float
    top: float
    factor: float
    cutout: Cutout | None = None

    def before(self, colour: tuple[int, int, int]) -> Plate:
        """The same with a wall of that colour."""
        assert self.cutout is not None, "the person was taken off"
        return replace(self, pixels=self.cutout.before(colour))

    def cut(self, box: Box, size: tuple[int, int]) -> Rgb:
        """A box of the view at that size; both sides are scaled alike."""
        height, width = self.pixels.shape[:2]
        left, right = ((x - self.left) * self.factor for x in (box[0], box[2]))
        top, bottom = ((y - self.top) * self.factor for y in (box[1], box[3]))
        x0, y0 = max(0, int(left) - _FILTER_REACH_PX), max(0, int(top) - _FILTER_REACH_PX)
        x1 = min(width, int(right) + _FILTER_REACH_PX + 1)
        y1 = min(height, int(bottom) + _FILTER_REACH_PX + 1)
        part = Image.fromarray(np.ascontiguousarray(self.pixels[y0:y1, x0:x1]))
        inside = (
            max(0.0, left - x0),
            max(0.0, top - y0),
            min(float(part.width), right - x0),
            min(float(part.height), bottom - y0),
        )
        # bicubic: no bright rim where dark hair meets a light wall
        return np.asarray(part.resize(size, Image.Resampling.BICUBIC, box=inside))
