"""Percentiles and medians of many small regions, without numpy's preparations for each.

The same numbers as `numpy.percentile` and `numpy.median` give; a check asks for fifty of them.
Sorted, not partitioned: numpy sorts with the processor's vectors, and its partition takes three
times as long, or thirty times on even walls.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float32]
_COLOUR = np.dtype((np.void, 12))
"""Three float32 as one thing."""


def whole_colours(colours: npt.NDArray[np.float32]) -> npt.NDArray[np.void]:
    """(...): each colour as one thing, to be picked, turned and copied whole.

    A tenth of the time: otherwise numpy walks through the channels of every pixel.

    Args:
        colours: float32 (..., 3) with the channels side by side.
    """
    return colours.view(_COLOUR)[..., 0]


def split_colours(whole: npt.NDArray[np.void]) -> Floats:
    """float32 (..., 3): the way back."""
    return np.ascontiguousarray(whole)[..., None].view(np.float32)


def pick_colours(colours: npt.NDArray[np.float32], mask: npt.NDArray[np.bool_]) -> Floats:
    """float32 (n, 3): the colours where the mask is True, as ``colours[mask]`` gives them."""
    return split_colours(whole_colours(colours)[mask])


def find_percentile(values: npt.NDArray[np.floating], percent: float) -> float:
    """The value below which ``percent`` of all values lie, interpolated; 0 of no values."""
    return _pick_percentile(np.sort(values, axis=None), percent)


def find_reach(values: npt.NDArray[np.floating], percent: float) -> float:
    """From the value below which ``percent`` lie to that above which as many do; 0 of no values."""
    ranked = np.sort(values, axis=None)
    return _pick_percentile(ranked, 100 - percent) - _pick_percentile(ranked, percent)


def _pick_percentile(ranked: npt.NDArray[np.floating], percent: float) -> float:
    if not ranked.size:
        return 0.0
    place = (ranked.size - 1) * percent / 100
    low = int(place)
    high = min(low + 1, ranked.size - 1)
    return float(ranked[low] + (ranked[high] - ranked[low]) * (place - low))


def find_median(values: npt.NDArray[np.floating]) -> float:
    """The median of all values; 0 of no values."""
    return find_percentile(values, 50)


def find_median_colour(colours: npt.NDArray[np.floating]) -> Floats:
    """float32 (3,): the median of every channel.

    Args:
        colours: (..., 3), at least one.
    """
    channels = np.ascontiguousarray(colours.reshape(-1, colours.shape[-1]).T)
    count = channels.shape[1]
    half = count // 2
    channels.sort(axis=1)
    middle = channels[:, half]
    if not count % 2:
        middle = (channels[:, half - 1] + middle) / 2
    return np.asarray(middle, np.float32)
