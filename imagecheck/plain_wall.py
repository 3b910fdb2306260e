"""The wall behind a framed person: its colour everywhere, and whether it really is plain."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from imagecheck.decode import Rgb
from imagecheck.faces import Points

Plane = npt.NDArray[np.float32]
"""float32 (h, w) or (h, w, 3)."""
Mask = npt.NDArray[np.bool_]

WALL_DELTA_E = 5.0
"""A smoothed pixel nearer than this to the fitted wall is wall (grain of phone photos stays below
3; chosen by eye on 47 studio portraits, on five walls each, and on drawn ones)."""
MIN_WALL_SHARE = 0.80
"""Of the area beside the head; loose hair takes the rest."""
MAX_DRIFT_DELTA_E = 14.0
"""How far the light may fall off over the wall; twice what fails a photo whose wall stays."""
SHADE_DELTA_E = 35.0
"""Smooth areas up to here beside the head are the wall in shadow; hair is further away."""
MAX_SHADED_SHARE = 0.008
MAX_OBJECT_SHARE = 0.002
_HEAD = (0.58, 1.0)  # half width and height of the bare head, face widths
_SMOOTH_SLOPE = 9.0  # dE over 4 px; hair has more
_SAME_HUE = 10.0
_SURFACE_CELLS = 80
_FIRST_REACH, _SECOND_REACH = 14.0, 9.0


@dataclass(frozen=True, slots=True, eq=False)
class FittedWall:
    """The wall as it would be seen without the person.

    Attributes:
        colour: float32 (h, w, 3) RGB 0-255.
        lab: the same in CIE Lab.
        distance: float32 (h, w), CIE76 of every pixel of the photo to it.
    """

    colour: Plane
    lab: Plane
    distance: Plane

    @classmethod
    def of_surface(cls, colour: Plane, photo_lab: Plane) -> FittedWall:
        """The wall of that colour behind a photo."""
        lab = np.asarray(cv2.cvtColor(colour / np.float32(255), cv2.COLOR_RGB2LAB), np.float32)
        difference = photo_lab - lab
        square = np.einsum("hwc,hwc->hw", difference, difference)
        return cls(colour, lab, np.sqrt(square))


def fit_wall(pixels: Rgb, lab: Plane, points: Points) -> FittedWall | None:
    """Colour of the wall at every pixel, also behind the person; ``None`` if it is not plain."""
    picture = pixels.astype(np.float32)
    beside = _beside_head(pixels.shape[:2], points)
    near = _near_commonest(lab, beside)
    if near.sum() < MIN_WALL_SHARE * 0.5 * beside.sum():
        return None
    wall = FittedWall.of_surface(_fit_surface(picture, near), lab)
    near = beside & (wall.distance < _SECOND_REACH)
    wall = FittedWall.of_surface(_fit_surface(picture, near), lab)
    return wall if _is_plain(wall, lab, beside, points) else None


def _is_plain(wall: FittedWall, lab: Plane, beside: Mask, points: Points) -> bool:
    """Whether the wall is seen, evenly lit, without shadow and without things on it."""
    calm = blurred(wall.distance, 1.5)
    middle = np.median(wall.lab[beside], axis=0)
    drift = np.linalg.norm(wall.lab[beside] - middle, axis=1)
    return bool(
        (calm < WALL_DELTA_E + 1)[beside].mean() > MIN_WALL_SHARE
        and np.percentile(drift, 95) < MAX_DRIFT_DELTA_E
        and _is_shaded(wall, lab, calm, points).mean() < MAX_SHADED_SHARE
        and _measure_largest_object(calm, points) < MAX_OBJECT_SHARE
    )


def _beside_head(
    shape: tuple[int, ...], points: Points, width: float = 0.78, height: float = 1.35
) -> Mask:
    """Above the chin, outside of an ellipse of that half width and height in face widths."""
    y, x = np.mgrid[0 : shape[0], 0 : shape[1]].astype(np.float32)
    face_width = float(np.linalg.norm(points[16] - points[0]))
    cx, cy = points[[0, 16]].mean(axis=0)
    rx, ry = width * face_width, height * face_width
    head = ((x - cx) / rx) ** 2 + np.where(y < cy, (y - cy) / ry, 0) ** 2 < 1
    return np.asarray(~head & (y < points[8, 1]), np.bool_)


def _near_commonest(lab: Plane, beside: Mask) -> Mask:
    sample = lab[beside][::5]
    bins = np.round(sample / 5).astype(np.int32)
    _, first, counts = np.unique(bins, axis=0, return_index=True, return_counts=True)
    peak = bins[first[np.argmax(counts)]].astype(np.float32) * 5
    return np.asarray(beside & (np.linalg.norm(lab - peak, axis=2) < _FIRST_REACH), np.bool_)


def _fit_surface(picture: Plane, near: Mask) -> Plane:
    """Quadratic surface through the colours of ``near``, least squares."""
    h, w = near.shape
    rows, columns = np.nonzero(near)
    rows, columns = rows[::9], columns[::9]
    terms = _terms(columns / w - 0.5, rows / h - 0.5)
    gram = terms.T @ terms + 1e-3 * np.eye(terms.shape[1])
    weights = np.linalg.solve(gram, terms.T @ picture[rows, columns].astype(np.float64))
    n = _SURFACE_CELLS
    y, x = (np.mgrid[0:n, 0:n] + 0.5) / n - 0.5
    coarse = np.clip(_terms(x.ravel(), y.ravel()) @ weights, 0, 255).reshape(n, n, 3)
    fine = cv2.resize(coarse.astype(np.float32), (w, h), interpolation=cv2.INTER_LINEAR)
    return np.asarray(fine, np.float32)


def _terms(x: npt.NDArray[np.float64], y: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    return np.stack([np.ones_like(x), x, y, x * x, y * y, x * y], axis=-1)


def blurred(plane: Plane, sigma: float) -> Plane:
    """The plane behind a Gaussian blur."""
    return np.asarray(cv2.GaussianBlur(plane, (0, 0), sigma), np.float32)


def _is_shaded(wall: FittedWall, lab: Plane, calm: Plane, points: Points) -> Mask:
    """Smooth areas beside the head of the wall's hue, but darker or lighter than it."""
    soft = cv2.GaussianBlur(lab, (0, 0), 2.0)
    slope = np.abs(cv2.Sobel(soft, cv2.CV_32F, 1, 0)) + np.abs(cv2.Sobel(soft, cv2.CV_32F, 0, 1))
    smooth = slope.max(axis=2) < _SMOOTH_SLOPE
    hue = np.linalg.norm(lab[..., 1:] - wall.lab[..., 1:], axis=2)
    between = (calm > WALL_DELTA_E + 2) & (calm < SHADE_DELTA_E)
    beside = _beside_head(calm.shape, points, *_HEAD)
    return np.asarray(beside & smooth & between & (hue < _SAME_HUE), np.bool_)


def _measure_largest_object(calm: Plane, points: Points) -> float:
    """Share of the picture that the largest thing takes which does not touch the person."""
    things = (calm > 2 * WALL_DELTA_E).astype(np.uint8)
    _, labels, stats, _ = cv2.connectedComponentsWithStats(things, connectivity=8)
    areas = stats[:, cv2.CC_STAT_AREA].astype(np.float64)
    head = ~_beside_head(calm.shape, points, *_HEAD)
    areas[np.unique(labels[head])] = 0  # the person
    areas[stats[:, cv2.CC_STAT_TOP] > points[8, 1]] = 0  # parts of the clothes
    areas[0] = 0
    return float(areas.max() / calm.size)
