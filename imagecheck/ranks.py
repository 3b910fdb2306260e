"""Percentiles and medians of many small regions, without numpy's preparations for each.

The same numbers as `numpy.percentile` and `numpy.median` give; a check asks for fifty of them.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float32]


def find_percentile(values: npt.NDArray[np.floating], percent: float) -> float:
    """The value below which ``percent`` of all values lie, interpolated; 0 of no values."""
    if not values.size:
        return 0.0
    place = (values.size - 1) * percent / 100
    low = int(place)
    high = min(low + 1, values.size - 1)
    ranked = np.partition(values.ravel(), (low, high))
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
    # always two places: for one, numpy takes a way that is thirty times slower on even walls
    channels.partition((max(0, half - 1), half), axis=1)
    middle = channels[:, half]
    if not count % 2:
        middle = (channels[:, half - 1] + middle) / 2
    return np.asarray(middle, np.float32)
