"""The wall behind the person: which pixels belong to it, and what colour it has.

The wall's colour is the commonest one along the upper left, upper right and top border. A plane
through Lab space follows a slow drift of light over the wall; what lies near the plane and is
connected with the border is wall.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache

import cv2
import numpy as np
import numpy.typing as npt

from imagecheck.ranks import find_medians

Mask = npt.NDArray[np.bool_]
Plane = npt.NDArray[np.float32]
Lab = npt.NDArray[np.float32]
"""float32 (h, w, 3): CIE L* 0-100, a*, b*, D65."""

KEY_DELTA_E = 9.0
"""Pixels nearer than this to the wall's local colour are wall."""
SEED_SIDE = 0.15
"""Width of the side strips that the wall's colour is taken from, as share of the width."""
SEED_DEPTH = 0.45
"""Height of the side strips, as share of the height."""
SEED_TOP = 0.05
"""Height of the top strip."""
PLAIN_SHARE = 0.80
"""At least this share of the strips must be keyed before the outline of the head is trusted."""
_BIN, _BINS_BELOW = 4.0, 512
_FIT_STEP = 4
_SUM = np.ones((1, 3), np.float32)
_RIDGE = np.diag([0, 1e-3, 1e-3]).astype(np.float32)


@dataclass(frozen=True, slots=True, eq=False)
class Wall:
    """The keyed wall.

    Attributes:
        mask: bool (h, w), True where the wall is seen.
        surface: float32 (3, 3): Lab = surface @ (1, x, y), x and y from -0.5 to 0.5.
        colour: float32 (3,), median CIE Lab of the wall.
        plain_share: share of the side strips that is wall: a head may reach the top.
    """

    mask: Mask
    surface: npt.NDArray[np.float32]
    colour: npt.NDArray[np.float32]
    plain_share: float

    @property
    def is_plain(self) -> bool:
        """Whether the wall is even enough for the outline of the head to be trusted."""
        return self.plain_share >= PLAIN_SHARE


def key_wall(planes: Sequence[Plane]) -> Wall:
    """Key the wall from its colour along the upper border of the picture.

    Args:
        planes: CIE Lab of the picture by channel, float32 (h, w) each.
    """
    h, w = planes[0].shape
    sparse = np.stack([plane[::_FIT_STEP, ::_FIT_STEP].ravel() for plane in planes])
    seeds, where = _sparse_seeds(h, w)
    surface = _fit_plane(sparse.take(seeds, axis=1), where)
    square = _square_distance_to_surface(planes, surface)
    mask = _keep_touching_border(square < KEY_DELTA_E**2)
    is_seen = mask[::_FIT_STEP, ::_FIT_STEP].ravel()
    seen = np.stack([channel[is_seen] for channel in sparse])  # a sixth of the time of [:, x]
    colour = find_medians(seen) if seen.size else surface[:, 0]
    return Wall(mask, surface, colour, _measure_side_share(mask))


def _square_distance_to_surface(planes: Sequence[Plane], surface: npt.NDArray[np.float32]) -> Plane:
    """float32 (h, w): square of CIE76 of every pixel to the wall's colour at that place."""
    h, w = planes[0].shape
    x, y = _axes(h, w)
    total = np.zeros((h, w), np.float32)
    away = np.empty((h, w), np.float32)  # one for all channels: fresh memory costs more than sums
    for plane, (c0, cx, cy) in zip(planes, surface, strict=True):
        np.add(c0 + cx * x, cy * y, out=away)
        np.subtract(plane, away, out=away)
        cv2.accumulateSquare(away, total)
    return total


def square_distance(
    lab: npt.NDArray[np.float32], colour: npt.NDArray[np.float32]
) -> npt.NDArray[np.float32]:
    """Square of CIE76 from Lab values, float32 (..., 3), to one colour: float32 (...)."""
    if not lab.size:
        return np.zeros(lab.shape[:-1], np.float32)
    row = np.ascontiguousarray(lab).reshape(1, -1, 3)
    point = np.append(np.asarray(colour, np.float64), 0.0)  # four numbers are one colour to OpenCV
    away = np.asarray(cv2.subtract(row, point), np.float32)
    return _square_length(away).reshape(lab.shape[:-1])


def square_distance_by_plane(
    planes: Iterable[npt.NDArray[np.float32]], colour: Iterable[npt.ArrayLike]
) -> npt.NDArray[np.float32]:
    """Square of CIE76 from Lab values by channel, float32 (...) each, to a colour: float32 (...).

    The colour may be one for all, or by channel of the same shape.
    """
    light, a, b = (np.subtract(*both) for both in zip(planes, colour, strict=True))
    light *= light
    a *= a
    b *= b
    light += a
    light += b
    return np.asarray(light, np.float32)


def _square_length(away: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    """Squares of the lengths of Lab differences, float32 (..., 3): float32 (...).

    By OpenCV: numpy needs ten times as long for arrays whose last side is three.
    """
    if not away.size:
        return np.zeros(away.shape[:-1], np.float32)
    row = np.ascontiguousarray(away).reshape(1, -1, 3)
    square = cv2.transform(cv2.multiply(row, row), _SUM)
    return np.asarray(square, np.float32).reshape(away.shape[:-1])


def _axes(h: int, w: int) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.float32]]:
    """Places from -0.5 to 0.5, float32: x (1, w) and y (h, 1)."""
    x = np.linspace(-0.5, 0.5, w, dtype=np.float32)[None, :]
    y = np.linspace(-0.5, 0.5, h, dtype=np.float32)[:, None]
    return x, y


@lru_cache(8)
def _sparse_seeds(h: int, w: int) -> tuple[npt.NDArray[np.intp], npt.NDArray[np.float32]]:
    """Which pixels of the sparse picture are seeds, (n,), and (1, x, y) of each: float32 (3, n)."""
    seeds = np.flatnonzero(_seed_strips(h, w)[::_FIT_STEP, ::_FIT_STEP])
    x, y = (axis[::_FIT_STEP, ::_FIT_STEP] for axis in np.broadcast_arrays(*_axes(h, w)))
    return seeds, np.stack([np.ones(seeds.size, np.float32), x.ravel()[seeds], y.ravel()[seeds]])


def _seed_strips(h: int, w: int) -> Mask:
    strips = np.zeros((h, w), np.bool_)
    depth, side = _side_size(h, w)
    strips[:depth, :side] = True
    strips[:depth, -side:] = True
    strips[: max(2, round(SEED_TOP * h))] = True
    return strips


def _measure_side_share(mask: Mask) -> float:
    """Share of both side strips that is True."""
    h, w = mask.shape
    depth, side = _side_size(h, w)
    if 2 * side >= w:
        return float(mask[:depth].mean())
    sides = mask[:depth, :side], mask[:depth, -side:]
    return sum(int(np.count_nonzero(part)) for part in sides) / (2 * side * depth)


def _side_size(h: int, w: int) -> tuple[int, int]:
    """Height and width of a side strip."""
    return max(1, round(SEED_DEPTH * h)), max(2, round(SEED_SIDE * w))


def _fit_plane(
    sample: npt.NDArray[np.float32], where: npt.NDArray[np.float32]
) -> npt.NDArray[np.float32]:
    """Plane through the commonest colour, grown by three rounds of least squares.

    Args:
        sample: float32 (3, n), Lab.
        where: float32 (3, n), (1, x, y) of the same pixels.
    """
    surface = np.zeros((3, 3), np.float32)
    surface[:, 0] = _commonest(sample)
    for reach in (12.0, 10.0, 8.0):
        near = np.flatnonzero(square_distance_by_plane(sample, surface @ where) < reach**2)
        if near.size < 30:  # noqa: PLR2004 - too few for a plane of three numbers
            break
        place = where.take(near, axis=1)
        both = np.concatenate([place, sample.take(near, axis=1)])
        sums = place @ both.T  # in one: numpy takes a slow way for a matrix by itself
        surface = np.linalg.solve(sums[:, :3] + _RIDGE, sums[:, 3:]).T.astype(np.float32)
    return surface


def _commonest(sample: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    """Centre of the fullest bin of 4 Lab units, refined by the median of its surroundings."""
    light, a, b = np.round(sample / _BIN).astype(np.int32) + _BINS_BELOW
    keys = np.sort((light << 20) + (a << 10) + b)  # sorted by its vectors
    starts = np.flatnonzero(np.diff(keys, prepend=-1))
    fullest = int(keys[starts[np.diff(starts, append=keys.size).argmax()]])
    place = np.array([fullest >> 20, fullest >> 10 & 1023, fullest & 1023], np.float32)
    peak = (place - _BINS_BELOW) * np.float32(_BIN)
    near = square_distance_by_plane(sample, peak) < (2 * _BIN) ** 2
    return find_medians(np.stack([channel[near] for channel in sample]))


def _keep_touching_border(near: Mask) -> Mask:
    """Connected parts of ``near`` that reach the left, right or upper border."""
    h, w = near.shape
    framed = np.ones((h + 1, w + 2), np.uint8)  # a rim on those three sides joins them all
    framed[1:, 1:-1] = near
    cv2.floodFill(framed, None, (0, 0), (2,))
    return np.asarray(framed[1:, 1:-1] == 2, np.bool_)  # noqa: PLR2004 - what the flood has reached
