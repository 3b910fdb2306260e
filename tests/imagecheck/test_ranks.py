"""Percentiles and medians of many values are numpy's own, though only some are sorted."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pytest

from imagecheck.ranks import find_median_colour, find_percentile, find_share

SIZE = 6000
EVERY = SIZE // 500
"""The step at which values are sampled."""


def make_values(kind: str) -> npt.NDArray[np.float32]:
    chance = np.random.default_rng(7)
    values = {
        "grain": chance.normal(50, 20, SIZE),
        "slope": np.linspace(0, 100, SIZE),
        "even": np.full(SIZE, 3.25),
        "few levels": chance.integers(0, 4, SIZE),
        "misleading sample": np.where(np.arange(SIZE) % EVERY, chance.normal(50, 20, SIZE), 99.0),
    }
    return values[kind].astype(np.float32)


KINDS = ["grain", "slope", "even", "few levels", "misleading sample"]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("percent", [2, 50, 90, 98])
def test_percentile_is_that_of_numpy(kind: str, percent: int) -> None:
    values = make_values(kind)
    assert find_percentile(values, percent) == pytest.approx(
        float(np.percentile(values, percent)), rel=1e-6
    )


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("count", [1, 2, 1999, SIZE - 1, SIZE])
def test_median_colour_is_that_of_numpy_and_leaves_the_picture_alone(kind: str, count: int) -> None:
    colours = np.stack([make_values(each)[:count] for each in (kind, "grain", "slope")], axis=1)
    before = colours.copy()
    assert find_median_colour(colours) == pytest.approx(np.median(colours, axis=0), rel=1e-6)
    assert (colours == before).all()


def test_share_of_nothing_is_none() -> None:
    assert find_share(np.zeros((0, 3), np.bool_)) == 0
    assert find_share(np.array([True, False, True, True])) == 0.75
