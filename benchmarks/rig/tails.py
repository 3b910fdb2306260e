"""How rare a small distance between two people is: three ways to extrapolate a lower tail.

Pairs of one person are not independent, so bounds come from drawing people again, not pairs.
"""

from __future__ import annotations

import math
import statistics
from collections.abc import Callable

import numpy as np
import numpy.typing as npt

Values = npt.NDArray[np.float64]
Tail = Callable[[Values, float], float]
TAIL_SHARE = 0.1
"""Of the smallest distances, what the Pareto tail is fitted to."""
FEWEST = 15
ROUNDS = 1000


def extrapolate_normal(distances: Values, limit: float) -> float:
    """Chance of a distance within the limit, the distances taken as normal."""
    return statistics.NormalDist(float(distances.mean()), float(distances.std())).cdf(limit)


def extrapolate_chi_square(distances: Values, limit: float) -> float:
    """The same, the squares taken as a sum of squares of independent parts, as many as fit."""
    squares = distances * distances
    mean = float(squares.mean())
    parts = 2 * mean * mean / float(squares.var())
    half, at = parts / 2, limit * limit * parts / mean / 2
    term = total = 1 / half
    for step in range(1, 1000):
        term *= at / (half + step)
        total += term
        if term < total * 1e-15:
            break
    return total * math.exp(half * math.log(at) - at - math.lgamma(half))


def extrapolate_pareto(distances: Values, limit: float) -> float:
    """The same by a generalised Pareto tail of the smallest tenth (probability-weighted moments).

    It assumes nothing of the rest, so it needs many people; nan where it cannot be fitted.
    """
    rising = np.sort(distances)
    count = max(FEWEST, int(len(rising) * TAIL_SHARE))
    threshold = float(rising[count])
    below = np.sort(threshold - rising[:count])
    weights = 1 - (np.arange(1, count + 1) - 0.35) / count
    first, second = float(below.mean()), float((below * weights).mean())
    if first <= 2 * second:
        return math.nan
    shape = 2 - first / (first - 2 * second)
    scale = 2 * first * second / (first - 2 * second)
    base = max(1 + shape * (threshold - limit) / scale, 0.0)
    return count / len(rising) * (base ** (-1 / shape) if base else 0.0)


def bound_over_people(
    table: Values, is_counted: npt.NDArray[np.bool_], tail: Tail, limit: float
) -> float:
    """The 95 % bound of a tail, by drawing people with replacement.

    Args:
        table: float64 (n, n), distances between n people.
        is_counted: bool (n, n), which pairs count.
        tail: one of the above.
        limit: distance.
    """
    dice = np.random.default_rng(1)
    people, found = len(table), []
    for _ in range(ROUNDS):
        drawn = dice.integers(0, people, people)
        pick = np.ix_(drawn, drawn)
        is_pair = np.triu(is_counted[pick] & (drawn[:, None] != drawn[None]), 1)
        values = table[pick][is_pair]
        chance = tail(values, limit) if len(values) > FEWEST else math.nan
        found.append(1.0 if math.isnan(chance) else chance)
    return float(np.quantile(found, 0.95))
