"""Whether two photos are one picture, by the hashes of ``imagecheck.picture_hash``."""

from __future__ import annotations

import itertools
from collections.abc import Iterator

COARSE_BITS = 64
COARSE_RADIUS = 2
FINE_RADIUS = 12
"""Bits that may differ between two savings of one picture."""


def list_neighbours(coarse: str) -> Iterator[str]:
    """Yield every coarse hash within COARSE_RADIUS, the same one first (2,081 in all)."""
    value = int(coarse, 16)
    for changed in range(COARSE_RADIUS + 1):
        for places in itertools.combinations(range(COARSE_BITS), changed):
            yield f"{value ^ sum(1 << place for place in places):0{len(coarse)}x}"


def is_same_picture(fine: str, other: str) -> bool:
    """Tell whether two fine hashes are of one picture."""
    return (int(fine, 16) ^ int(other, 16)).bit_count() <= FINE_RADIUS
