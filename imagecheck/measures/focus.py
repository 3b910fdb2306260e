"""Sharpness, real resolution, and the traces of a photographed screen or print."""

from __future__ import annotations

from functools import cache
from itertools import zip_longest

import cv2
import numpy as np
import numpy.typing as npt

from imagecheck.analysis import Analysis
from imagecheck.ranks import find_percentile

Floats = npt.NDArray[np.float32]

_FACE_ROWS = slice(150, 330)
_FACE_COLUMNS = slice(80, 240)
_BLOCK_PERIODS_PX = (3, 4, 5, 6, 7, 8, 9, 10, 12, 14, 16, 20)
_SURELY_SHARP = 0.48
"""Of 39 faces shaken by 12 pixels along any slope none has less; 39 sharp ones reach 0.46."""
_SHAKEN = 0.06
"""By so much do both diagonals of a shaken face differ; of 240 portraits, soft ones among them, the
ones above 0.55 differ by 0.035."""
_LONGEST_STEP_L = 8.0
_LOST_BEYOND = 0.1
_TILE_PX = 128
_NO_PHASE = np.zeros((_TILE_PX, _TILE_PX), np.float32)
_JPEG_LATTICE = 16  # cells of a 128-point spectrum between the harmonics of 8-px blocks


def measure_blur(analysis: Analysis) -> float:
    """Share of the strongest edges that survives a blur of two pixels, eyes to mouth.

    Crété's no-reference measure in the levelled patch (eye distance 96 px): a sharp face loses
    two thirds of its edges, a blurred one has nothing to lose. Independent of skin and contrast.
    Of the worse direction: a shaking hand blurs along one only, which may be a diagonal.
    """
    grey = cv2.cvtColor(analysis.patch[_FACE_ROWS, _FACE_COLUMNS], cv2.COLOR_RGB2GRAY)
    face = grey.astype(np.float32)
    both = face, np.asarray(cv2.GaussianBlur(face, (0, 0), 2), np.float32)
    down = _surviving_share(*(cv2.absdiff(plane[1:], plane[:-1]) for plane in both))
    across = _surviving_share(*(cv2.absdiff(plane[:, 1:], plane[:, :-1]) for plane in both))
    worse = max(down, across)
    if worse < _SURELY_SHARP:
        return worse
    fall = _surviving_share(*(cv2.absdiff(plane[1:, 1:], plane[:-1, :-1]) for plane in both))
    rise = _surviving_share(*(cv2.absdiff(plane[:-1, 1:], plane[1:, :-1]) for plane in both))
    return max(worse, fall, rise) if abs(fall - rise) > _SHAKEN else worse


def is_lost_in_blur(analysis: Analysis) -> bool:
    """Whether the face is so blurred that small parts of it, and thin lines, are guesses.

    Well beyond what fails: soft portraits still show whether a mouth is open.
    """
    _, most = analysis.profile.limit("focus.blurred").fail
    return most is not None and analysis.part(measure_blur) > most + _LOST_BEYOND


def _surviving_share(before: cv2.typing.MatLike, after: cv2.typing.MatLike) -> float:
    """Share of the strongest tenth of steps that is left after a blur."""
    strong = before > find_percentile(np.asarray(before), 90)
    return float(after[strong].mean() / max(float(before[strong].mean()), 1e-3))


def measure_blocks(analysis: Analysis) -> float:
    """How regularly steps recur, in rows and in columns: enlarged or over-compressed pixels.

    Steps on the strongest phase of a period over all other phases, of the best period, the
    weaker of both directions; 1 when there is no grid.
    """
    light = analysis.lightness
    down = cv2.absdiff(light[1:], light[:-1])
    across = cv2.absdiff(light[:, 1:], light[:, :-1])
    return min(_grid_strength(_mean_steps(down, 1)), _grid_strength(_mean_steps(across, 0)))


def is_blocky(analysis: Analysis) -> bool:
    """Whether pixels are so coarse that small parts of the face have lost their own colour."""
    _, most = analysis.profile.limit("focus.low_resolution").warn
    return most is not None and analysis.part(measure_blocks) > most


def _mean_steps(steps: npt.ArrayLike, axis: int) -> Floats:
    """Mean step along an axis; edges of things count no more than strong steps of a grid."""
    short = cv2.threshold(np.asarray(steps), _LONGEST_STEP_L, 0, cv2.THRESH_TRUNC)[1]
    return np.asarray(cv2.reduce(short, axis, cv2.REDUCE_AVG), np.float32).ravel()


def _grid_strength(steps: Floats) -> float:
    best = 1.0
    for period in _BLOCK_PERIODS_PX:
        usable = len(steps) // period * period
        rounds = np.sort(steps[:usable].reshape(-1, period), axis=0)
        phases = (rounds[(len(rounds) - 1) // 2] + rounds[len(rounds) // 2]) / 2  # medians
        highest = float(phases.max())
        others = (float(phases.sum()) - highest) / (period - 1)
        best = max(best, highest / max(others, 0.05))
    return best


def measure_moire(analysis: Analysis) -> float:
    """Height of the sharpest isolated peak in the spectrum, natural logarithm over its vicinity.

    Screens and printed dots repeat; faces and walls do not. Multiples of the 8-pixel lattice of
    JPEG and the two axes are left out.
    """
    light = analysis.lightness
    mean = float(light[::8, ::8].mean())  # what is slower than the window's own leak is not read
    h, w = light.shape
    corners = [
        (y, x) for y in range(8, h - _TILE_PX + 1, 168) for x in range(4, w - _TILE_PX + 1, 172)
    ]
    tiles = [light[y : y + _TILE_PX, x : x + _TILE_PX] - mean for y, x in corners]
    total = np.zeros((_TILE_PX, _TILE_PX // 2 + 1), np.float32)
    for one, other in zip_longest(tiles[::2], tiles[1::2]):
        total += _add_spectra(one, other)
    height = np.log(np.fft.fftshift(total, axes=0) + 1).astype(np.float32)
    above = height - cv2.blur(cv2.medianBlur(height, 5), (9, 9))
    return float(above[_off_lattice()].max())


def _add_spectra(one: Floats, other: Floats | None) -> Floats:
    """float32 (128, 65): magnitudes of both tiles' spectra; of a real picture half is enough.

    One transform serves two tiles, as real and imaginary part: what is alike in the two halves of
    the result is the one's, what is opposite the other's.
    """
    windowed = cv2.multiply(one, _window())
    pair = windowed, _NO_PHASE if other is None else cv2.multiply(other, _window())
    # OpenCV is three times faster from complex to complex than from real to complex
    waves = np.asarray(cv2.dft(cv2.merge(pair)), np.float32).view(np.complex64)[..., 0]
    half = waves[:, : _TILE_PX // 2 + 1]
    if other is None:
        return np.abs(half)
    opposite = np.empty_like(half)
    opposite[0, 0] = waves[0, 0]
    opposite[1:, 0] = waves[:0:-1, 0]
    opposite[0, 1:] = waves[0, : _TILE_PX // 2 - 1 : -1]
    opposite[1:, 1:] = waves[:0:-1, : _TILE_PX // 2 - 1 : -1]
    np.conjugate(opposite, out=opposite)
    both: Floats = np.abs(half + opposite)
    both += np.abs(half - opposite)
    both /= 2
    return both


@cache
def _window() -> Floats:
    return np.outer(np.hanning(_TILE_PX), np.hanning(_TILE_PX)).astype(np.float32)


@cache
def _off_lattice() -> npt.NDArray[np.bool_]:
    half = _TILE_PX // 2
    y, x = np.mgrid[-half:half, 0 : half + 1]
    radius = np.hypot(y, x)
    keep = (radius > 14) & (radius < 62)  # noqa: PLR2004 - cells; slower is texture of the scene
    for axis in (y, x):
        keep &= ~np.isin(np.abs(axis) % _JPEG_LATTICE, (0, 1, _JPEG_LATTICE - 1))
    return np.asarray(keep, np.bool_)
