"""Anti-aliased, soft-edged shapes on a picture of floats: the brush of the drawn portraits."""

from __future__ import annotations

import functools
import math
from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

Points = NDArray[np.float64]  # (n, 2), x to the right and y down
Colour = tuple[float, float, float]  # sRGB, 0-255
Plane = NDArray[np.float32]  # (h, w) or (h, w, 3)

_SUBPIXEL_BITS = 4


@dataclass(frozen=True)
class Frame:
    """Where local coordinates lie on the picture: origin in pixels, pixels per unit, turn."""

    origin_x: float
    origin_y: float
    scale: float
    roll_deg: float = 0.0
    stretch_x: float = 1.0

    def to_pixels(self, points: Points) -> Points:
        """Local points (n, 2) as pixel positions; a positive roll turns clockwise."""
        turn = math.radians(self.roll_deg)
        x, y = points[:, 0] * self.scale, points[:, 1] * self.scale
        pixels = np.empty_like(points, float)
        turned_x = x * math.cos(turn) - y * math.sin(turn)
        pixels[:, 0] = self.origin_x + turned_x * self.stretch_x
        pixels[:, 1] = self.origin_y + (x * math.sin(turn) + y * math.cos(turn))
        return pixels


def ellipse(
    x: float, y: float, rx: float, ry: float, *, power: float = 2.0, turn_deg: float = 0.0
) -> Points:
    """Outline of a (super)ellipse; a power above 2 makes it boxy."""
    t = np.linspace(0, 2 * math.pi, 72, endpoint=False)
    u = np.sign(np.cos(t)) * np.abs(np.cos(t)) ** (2 / power) * rx
    v = np.sign(np.sin(t)) * np.abs(np.sin(t)) ** (2 / power) * ry
    a = math.radians(turn_deg)
    return np.stack(
        [x + u * math.cos(a) - v * math.sin(a), y + u * math.sin(a) + v * math.cos(a)], 1
    )


def curve(points: Sequence[tuple[float, float]], steps: int = 12) -> Points:
    """A smooth open line through the given points (Catmull-Rom)."""
    p = np.array([points[0], *points, points[-1]], float)
    t, t_squared, t_cubed = _steps(steps)
    a, b, c, d = p[:-3, None], p[1:-2, None], p[2:-1, None], p[3:, None]
    pieces = 0.5 * (
        2 * b
        + (c - a) * t
        + (2 * a - 5 * b + 4 * c - d) * t_squared
        + (3 * b - a - 3 * c + d) * t_cubed
    )
    return np.concatenate([pieces.reshape(-1, 2), p[-1:]])


@functools.cache
def _steps(count: int) -> tuple[Points, Points, Points]:
    t = np.linspace(0, 1, count, endpoint=False)[:, None]
    return t, t**2, t**3


def mirror(points: Points) -> Points:
    """The same line on the other side of the vertical axis, walked backwards."""
    return points[::-1] * [-1.0, 1.0]


def symmetric(left: Points) -> Points:
    """A closed outline from its left half, given from top to bottom."""
    return np.concatenate([left, mirror(left)])


class Canvas:
    """A picture under construction: `rgb` float32 (h, w, 3), 0-255, and `figure` (h, w), 0-1."""

    def __init__(self, wall: Plane) -> None:
        self.rgb = wall
        self.figure: Plane = np.zeros(wall.shape[:2], np.float32)

    def fill(
        self,
        frame: Frame,
        outline: Points,
        colour: Colour,
        *,
        soft: float = 0.0,
        opacity: float = 1.0,
        inside: Points | None = None,
        is_figure: bool = False,
    ) -> None:
        """Paint a closed outline. `soft` is the blur of its edge in local units; `inside` clips."""
        sigma = soft * frame.scale
        pixels = frame.to_pixels(outline)
        margin = 3 * sigma + 2
        h, w = self.rgb.shape[:2]
        (left, top), (right, bottom) = pixels.min(0).tolist(), pixels.max(0).tolist()
        x0, x1 = max(0, math.floor(left - margin)), min(w, math.ceil(right + margin))
        y0, y1 = max(0, math.floor(top - margin)), min(h, math.ceil(bottom + margin))
        if x1 <= x0 or y1 <= y0:
            return
        corner = (x0, y0)
        mask = _polygon(pixels - corner, (y1 - y0, x1 - x0), sigma)
        if inside is not None:
            mask = mask * _polygon(frame.to_pixels(inside) - corner, (y1 - y0, x1 - x0), 0.7)
        mask = mask * np.float32(opacity)
        area = self.rgb[y0:y1, x0:x1]
        area += mask[..., None] * (np.asarray(colour, np.float32) - area)
        if is_figure:
            np.maximum(self.figure[y0:y1, x0:x1], mask, out=self.figure[y0:y1, x0:x1])

    def stroke(
        self,
        frame: Frame,
        line: Points,
        width: float,
        colour: Colour,
        *,
        soft: float = 0.6,
        opacity: float = 1.0,
        taper: bool = True,
        inside: Points | None = None,
    ) -> None:
        """Paint an open line of the given width in local units, thinner towards its ends."""
        side = _normal(line) * (width / 2 * (_taper(len(line)) if taper else 1.0))
        outline = np.concatenate([line + side, (line - side)[::-1]])
        self.fill(frame, outline, colour, soft=soft, opacity=opacity, inside=inside)

    def roughen(
        self, frame: Frame, outline: Points, strength: float, rng: np.random.Generator
    ) -> None:
        """Give the inside of an outline a fine texture; `strength` is a share of its brightness."""
        h, w = self.rgb.shape[:2]
        mask = _polygon(frame.to_pixels(outline), (h, w), 0.7)
        grain = rng.standard_normal((h, w), dtype=np.float32) * np.float32(strength)
        self.rgb *= (1 + mask * grain)[..., None]


def _normal(line: Points) -> Points:
    """The direction across a line at each of its points, of length 1."""
    normal = np.empty_like(line)
    x, y = line[:, 0], line[:, 1]
    for along, target, sign in ((y, normal[:, 0], -1.0), (x, normal[:, 1], 1.0)):
        target[1:-1] = sign * ((along[2:] - along[:-2]) / 2)
        target[0], target[-1] = sign * (along[1] - along[0]), sign * (along[-1] - along[-2])
    length = np.sqrt(normal[:, :1] ** 2 + normal[:, 1:] ** 2)
    normal /= np.maximum(length, 1e-6)
    return normal


@functools.cache
def _taper(count: int) -> Points:
    """Shares of the width along a line of so many points."""
    t = np.linspace(-1, 1, count)[:, None]
    return np.sqrt(np.clip(1.05 - t**2, 0, 1))


def _polygon(points: Points, shape: tuple[int, int], sigma: float) -> Plane:
    mask = np.zeros(shape, np.uint8)
    fixed = np.round(points * (1 << _SUBPIXEL_BITS)).astype(np.int32)
    cv2.fillPoly(mask, [fixed], 255, lineType=cv2.LINE_AA, shift=_SUBPIXEL_BITS)
    plane = mask.astype(np.float32) / np.float32(255)
    if sigma > 0.3:
        plane = cv2.GaussianBlur(plane, (0, 0), sigma, borderType=cv2.BORDER_REPLICATE).astype(
            np.float32
        )
    return plane
