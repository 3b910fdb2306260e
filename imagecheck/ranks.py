"""Shares, percentiles and medians of many small regions, without numpy's preparations for each.

The same numbers as `numpy.percentile` and `numpy.median` give; a check asks for fifty of them.
Sorted, not partitioned: numpy sorts with the processor's vectors, and its partition takes three
times as long, or thirty times on even walls. Of large regions only the values around the wanted
rank are sorted, which is a tenth of the work.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float32]
_COLOUR = np.dtype((np.void, 12))
"""Three float32 as one thing."""
_MANY, _SAMPLE, _MARGIN = 2000, 500, 0.06
"""From so many values on, a sample of so many tells between which values the wanted rank lies; the
margin is a share of all ranks, nearly three standard deviations of a sampled median."""


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


def find_share(mask: npt.NDArray[np.bool_]) -> float:
    """Share that is True, as numpy's mean in a fifth of the time; 0 of nothing."""
    return int(np.count_nonzero(mask)) / mask.size if mask.size else 0.0


def find_percentile(values: npt.NDArray[np.floating], percent: float) -> float:
    """The value below which ``percent`` of all values lie, interpolated; 0 of no values."""
    if not values.size:
        return 0.0
    ranked, below = _sort_around(values, percent)
    place = (values.size - 1) * percent / 100
    low = int(place)
    high = min(low + 1, values.size - 1)
    first, second = ranked[low - below], ranked[high - below]
    return float(first + (second - first) * (place - low))


def find_reach(values: npt.NDArray[np.floating], percent: float) -> float:
    """From the value below which ``percent`` lie to that above which as many do; 0 of no values."""
    return find_percentile(values, 100 - percent) - find_percentile(values, percent)


def _sort_around(
    values: npt.NDArray[np.floating], percent: float
) -> tuple[npt.NDArray[np.floating], int]:
    """Values around the one below which ``percent`` lie, sorted, and how many are less than they.

    Those of the two ranks between which it is interpolated are always among them: where the sample
    has misled, all values are sorted.
    """
    flat = values.flatten()
    if flat.size < _MANY:
        flat.sort()
        return flat, 0
    sample = np.sort(flat[:: flat.size // _SAMPLE])
    ends = (sample.size * (percent / 100 + away) for away in (-_MARGIN, _MARGIN))
    low, high = (sample[min(max(0, int(end)), sample.size - 1)] for end in ends)
    is_above = flat >= low
    near, below = flat[is_above & (flat <= high)], flat.size - int(np.count_nonzero(is_above))
    first = int((flat.size - 1) * percent / 100)
    if below <= first and first + 1 < below + near.size:
        near.sort()
        return near, below
    flat.sort()
    return flat, 0


def find_median(values: npt.NDArray[np.floating]) -> float:
    """The median of all values; 0 of no values."""
    return find_percentile(values, 50)


def find_median_colour(colours: npt.NDArray[np.floating]) -> Floats:
    """float32 (3,): the median of every channel.

    Args:
        colours: (..., 3), at least one.
    """
    return find_medians(colours.reshape(-1, colours.shape[-1]).T)


def find_medians(channels: npt.NDArray[np.floating]) -> Floats:
    """float32 (c,): the median of every channel.

    Args:
        channels: (c, n), at least one value in each.
    """
    count = channels.shape[1]
    if count >= _MANY:
        return np.array([_find_middle(channel) for channel in channels], np.float32)
    ranked = np.sort(channels, axis=1)
    half = count // 2
    middle = ranked[:, half]
    if not count % 2:
        middle = (ranked[:, half - 1] + middle) / 2
    return np.asarray(middle, np.float32)


def _find_middle(values: npt.NDArray[np.floating]) -> np.floating:
    """The median of many values, as numpy has it."""
    ranked, below = _sort_around(values, 50)
    half = values.size // 2 - below
    middle: np.floating = ranked[half]
    return middle if values.size % 2 else (ranked[half - 1] + middle) / 2
