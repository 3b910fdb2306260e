"""What stands beside and above the head, where a compliant photo shows nothing but wall.

Works on the view at half size: walls have no detail that a student could mend below two pixels,
and every mask costs a quarter.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property, lru_cache

import cv2
import numpy as np
import numpy.typing as npt

from imagecheck.analysis import Analysis, to_lab
from imagecheck.ranks import find_medians, find_percentile
from imagecheck.wall import Mask, square_distance_by_plane

Floats = npt.NDArray[np.float32]

HEAD_HALF_WIDTH = 0.86
"""Half width of the ellipse kept free for head, hair and ears, in face widths."""
HEAD_ABOVE = 1.62
"""Height of the ellipse above the eyes, in eye-to-chin distances."""
_WIDEST_FACE = 1.36
"""Face width over eye-to-chin distance: 1.24 on the average, with a deviation of 0.047."""
HAIR_REACH = 1.25
"""Hair that hangs out of the ellipse belongs to the person up to here, in face widths."""
_HAIR_DELTA_E = 18.0
_BLACK_L = 22.0
_HAIR_SAMPLE = 0.85
"""Where the hair's colour is taken, in eye-to-chin distances above the eyes."""
_OPEN_EDGE_PX = 12
"""Outermost half-size columns: nothing in them counts as hair, so a dark chair is seen."""
_TUFT_PX = 8
"""Single hairs stand out above the hair top, in half-size pixels."""
_MIN_ZONE_PX = 400
_EDGE_PX = 3
"""Uppermost half-size pixels: slivers of a careless cut, and the border rule's business."""
_MOTTLE_WEIGHT = 8.0
"""Creased cloth has 0.8-1.2 dE, real studio walls at most 0.45, however their light falls off."""
_COARSE_REACH_PX = 26
"""What lies further below the chin does not reach the zone, however coarse the blur."""
_BELOW_CHIN_PX, _LEAST_ROWS = 2 * _COARSE_REACH_PX + 8, 32
"""Nothing further below the chin is looked at, in half-size pixels."""
_SHADOW_MIN_DL = 6.0
_SHADOW_MIN_SHARE = 0.45
_SMOOTH = 7.0
_SHADOW_ASIDE = (0.52, 1.05)
"""From the ears outwards, in face widths from the middle."""
_SHADOW_ABOVE, _SHADOW_BELOW = 1.1, 0.1
"""Above the eyes and below the chin, in eye-to-chin distances."""
_MARGIN_PX = 8


class Backdrop:
    """The zone beside the head of one analysis."""

    def __init__(self, analysis: Analysis) -> None:
        """Take an analysis with a face."""
        self.wall, self.roll_deg = analysis.wall, analysis.roll_deg
        self.hair_top_px = analysis.hair_top_px if analysis.wall.is_plain else None
        h, w = analysis.height // 2, analysis.width // 2
        self.chin_y = float(analysis.points[8, 1]) / 2
        self._height, kept = h, slice(max(_LEAST_ROWS, int(self.chin_y / 2) * 2 + _BELOW_CHIN_PX))
        self.planes = [plane[kept] for plane in _shrink(analysis.lab_planes, (w, h))]
        self.wall_mask: Mask = analysis.wall.mask[: 2 * h : 2, : 2 * w : 2][kept]
        self.centre_x = analysis.face_centre_x_px / 2
        self.eye_y = analysis.eye_line_px / 2
        self.face_width = analysis.face_width_px / 2
        # a lowered chin shortens the face, but not the head
        self.eye_to_chin = max(analysis.eye_to_chin_px / 2, self.face_width / _WIDEST_FACE)
        self.x = np.arange(w, dtype=np.float32)[None, :]
        self.y = np.arange(len(self.wall_mask), dtype=np.float32)[:, None]

    @cached_property
    def zone(self) -> Mask:
        """Bool (h/2, w/2): above the chin, outside the head's ellipse, without hanging hair."""
        right, down = self._head_axes()
        across = right / (HEAD_HALF_WIDTH * self.face_width)
        up = np.minimum(down, 0) / (HEAD_ABOVE * self.eye_to_chin)
        above_chin = (self.y < self.chin_y) & (down < self.eye_to_chin)
        outside = (across**2 + up**2 >= 1) & above_chin
        return np.asarray(outside & ~self._hanging_hair(outside))

    def _head_axes(self) -> tuple[Floats, Floats]:
        """Distances from the middle of the face to its right and downwards, along its own axes.

        A tilted head takes its ellipse along, and mostly the shoulders too.
        """
        roll = np.radians(self.roll_deg)
        cos, sin = np.float32(np.cos(roll)), np.float32(np.sin(roll))
        x, y = self.x - self.centre_x, self.y - self.eye_y
        return np.asarray(cos * x + sin * y), np.asarray(cos * y - sin * x)

    @property
    def _open_zone(self) -> Mask:
        """The zone and what lies above the hair, where things may hang.

        Loose hair thins out there, too: colour and evenness are not taken from it.
        """
        hair_top = self.hair_top_px
        zone = self.zone if hair_top is None else self.zone | (self.y < hair_top / 2 - _TUFT_PX)
        return np.asarray(zone & (self.y >= _EDGE_PX))

    def _hanging_hair(self, outside: Mask) -> Mask:
        """Pixels of the hair's colour that are connected with the head and near it."""
        h, w = outside.shape
        y = min(max(4, int(self.eye_y - _HAIR_SAMPLE * self.eye_to_chin)), h - 5)
        x = min(max(10, int(self.centre_x)), w - 11)
        sample = [plane[y - 4 : y + 5, x - 10 : x + 11].ravel() for plane in self.planes]
        hair = find_medians(np.stack(sample))
        like = square_distance_by_plane(self.planes, hair) < _HAIR_DELTA_E**2
        like = (like | (self.planes[0] < _BLACK_L)) & ~self.wall_mask
        _, labels = cv2.connectedComponents(
            (like | ~outside).view(np.uint8), connectivity=4, ltype=cv2.CV_16U
        )
        head = labels[min(max(0, int(self.eye_y)), h - 1), x]
        hanging = ((labels == head) & like).view(np.uint8)
        hanging = cv2.dilate(hanging, np.ones((5, 5), np.uint8)).view(np.bool_)
        near = np.abs(self.x - self.centre_x) < HAIR_REACH * self.face_width
        near = near & (self.x >= _OPEN_EDGE_PX) & (self.x < w - _OPEN_EDGE_PX)
        return np.asarray(hanging & near)

    @cached_property
    def is_visible(self) -> bool:
        """Whether there is enough of the zone to judge it."""
        return int(np.count_nonzero(self.zone)) >= _MIN_ZONE_PX

    @cached_property
    def _sides(self) -> tuple[Floats, Floats]:
        """float32 (3, n) twice: Lab of the zone left and right, of every second row."""
        middle = max(0, int(self.centre_x))
        return self._pick(slice(middle)), self._pick(slice(middle, None))

    def _pick(self, columns: slice) -> Floats:
        places = np.flatnonzero(self.zone[::2, columns])
        return np.stack([plane[::2, columns].ravel()[places] for plane in self.planes])

    @cached_property
    def colours(self) -> Floats:
        """float32 (3, n): Lab of the zone, of every second row."""
        return np.concatenate(self._sides, axis=1)

    @cached_property
    def median(self) -> Floats:
        """float32 (3,): median Lab of the zone."""
        return find_medians(self.colours)

    @cached_property
    def unevenness(self) -> float:
        """The worst of three in CIE76: spread, left against right, and mottling (eight-fold).

        Mottling is the energy between two and twelve half-size pixels: creases and clouds that
        leave the spread small.
        """
        return max(self.spread(), self.left_right_difference(), _MOTTLE_WEIGHT * self._mottling())

    def _mottling(self) -> float:
        # at quarter size: both scales are far above its pixels
        h, w = self.wall_mask.shape
        zone = self.zone[: h // 2 * 2 : 2, : w // 2 * 2 : 2].astype(np.uint8)
        rows = slice(_EDGE_PX // 2 + 1, max(0, int(self.chin_y / 2)) + _COARSE_REACH_PX)
        inner = cv2.erode(zone[rows], np.ones((13, 13), np.uint8)).view(np.bool_)
        if np.count_nonzero(inner) < _MIN_ZONE_PX // 4:
            return 0.0
        square = 0.0
        for small in _shrink(self.planes, (w // 2, h // 2)):
            fine, coarse = (cv2.GaussianBlur(small[rows], (0, 0), sigma) for sigma in (1, 6))
            between = cv2.subtract(fine, coarse)[inner]
            square += float(np.dot(between, between)) / between.size
        return float(np.sqrt(square))

    def spread(self, percentile: float = 95.0) -> float:
        """Percentile of CIE76 to the zone's median colour."""
        square = square_distance_by_plane(self.colours, self.median)
        return float(np.sqrt(find_percentile(square, percentile)))

    def left_right_difference(self) -> float:
        """CIE76 between the medians of the left and the right part of the zone."""
        left, right = self._sides
        if min(left.shape[1], right.shape[1]) < _MIN_ZONE_PX // 8:
            return 0.0
        return float(np.linalg.norm(find_medians(left) - find_medians(right)))

    def _expected_lightness(self, x: Floats, y: Floats) -> Floats:
        """L* that the wall's slow drift predicts at these places, shadow or not."""
        h, w = self._height, self.wall_mask.shape[1]
        c0, cx, cy = self.wall.surface[0]
        return np.asarray(c0 + cx * (x / w - 0.5) + cy * (y / h - 0.5), np.float32)

    def distance_to(self, rgb: tuple[int, int, int], lightness_weight: float = 1.0) -> float:
        """CIE76 from the zone's median colour to a reference colour, L* weighted."""
        away = self.median - _find_lab(rgb)
        return float(np.linalg.norm(away * (lightness_weight, 1.0, 1.0)))

    def largest_blob(self) -> float:
        """Largest connected part of the zone that is not wall, as share of the zone."""
        zone = self._open_zone
        foreign = _open(zone & ~self.wall_mask)
        if not foreign.any():
            return 0.0
        _, _, stats, _ = cv2.connectedComponentsWithStats(foreign, connectivity=8, ltype=cv2.CV_16U)
        return float(stats[1:, 4].max() / np.count_nonzero(zone))

    @cached_property
    def shadow_shares(self) -> tuple[float, float]:
        """Area of shaded wall left and right of the head, in units of the face.

        Shaded wall is darker than the wall, has its chromaticity, and is smooth; hair is not.
        """
        rows, columns = self._beside_face()
        planes = [plane[rows, columns] for plane in self.planes]
        light, a, b = planes
        x, y = self.x[:, columns], self.y[rows]
        expected = self._expected_lightness(x, y)
        share = light / np.maximum(expected, 5.0)
        shaded = (expected - light > _SHADOW_MIN_DL) & (share > _SHADOW_MIN_SHARE)
        aside = np.abs(x - self.centre_x) / self.face_width
        shaded &= (aside > _SHADOW_ASIDE[0]) & (aside < _SHADOW_ASIDE[1])
        shaded &= y > self.eye_y - _SHADOW_ABOVE * self.eye_to_chin
        shaded &= y < self.chin_y + _SHADOW_BELOW * self.eye_to_chin
        full = np.minimum(share, 1)
        colour = self.wall.colour
        chroma = cv2.magnitude(a - colour[1] * full, b - colour[2] * full)
        shaded &= np.asarray(chroma) < 7 + 0.12 * float(np.hypot(colour[1], colour[2]))
        if not _open(shaded).any():  # what is smooth of nothing is not asked
            return 0.0, 0.0
        lobes = _open(shaded & (_measure_slope(planes) < _SMOOTH))
        face = self.face_width * self.eye_to_chin
        middle = max(0, int(self.centre_x) - columns.start)
        left = np.count_nonzero(lobes[:, :middle]) / face
        return left, np.count_nonzero(lobes) / face - left

    def _beside_face(self) -> tuple[slice, slice]:
        """Rows and columns of the picture where a shadow beside the head may lie, and a margin."""
        h, w = self.wall_mask.shape
        top = self.eye_y - _SHADOW_ABOVE * self.eye_to_chin
        bottom = self.chin_y + _SHADOW_BELOW * self.eye_to_chin
        reach = _SHADOW_ASIDE[1] * self.face_width
        ends = top, bottom, self.centre_x - reach, self.centre_x + reach
        y0, y1, x0, x1 = (int(end) for end in ends)
        return (
            slice(max(0, min(y0 - _MARGIN_PX, h - 1)), max(1, y1 + _MARGIN_PX)),
            slice(max(0, min(x0 - _MARGIN_PX, w - 1)), max(1, x1 + _MARGIN_PX)),
        )


def _shrink(planes: Sequence[Floats], size: tuple[int, int]) -> list[Floats]:
    """The planes at a smaller size; OpenCV needs four times as long for three channels at once."""
    return [
        np.asarray(cv2.resize(plane, size, interpolation=cv2.INTER_AREA), np.float32)
        for plane in planes
    ]


@lru_cache(32)
def _find_lab(rgb: tuple[int, int, int]) -> Floats:
    """float32 (3,): CIE Lab of one colour."""
    return np.asarray(to_lab(np.array([[rgb]], np.uint8))[0, 0])


def _open(mask: Mask) -> npt.NDArray[np.uint8]:
    """1 where three by three pixels of the mask hang together, 0 elsewhere."""
    opened = cv2.morphologyEx(mask.view(np.uint8), cv2.MORPH_OPEN, np.ones((3, 3), np.uint8))
    return np.asarray(opened, np.uint8)


def _measure_slope(planes: Sequence[Floats]) -> Floats:
    """float32 (h, w): Lab units a pixel, over all three channels."""
    square = np.zeros(planes[0].shape, np.float32)
    for plane in planes:
        soft = cv2.GaussianBlur(plane, (0, 0), 0.8)
        for way in ((1, 0), (0, 1)):
            cv2.accumulateSquare(cv2.Sobel(soft, cv2.CV_32F, *way, scale=1 / 8), square)
    return np.asarray(cv2.sqrt(square), np.float32)
