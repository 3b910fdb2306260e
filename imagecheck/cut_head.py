"""Hair that the upper edge cuts off, where so much of it hides the wall that it seems not plain."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from imagecheck.ranks import find_medians
from imagecheck.wall import Mask, Plane

_EDGE_PX, _HALF_PX = 4, 10
_MARGIN, _SIDE_SHARE = 0.04, 0.9
"""So wide a margin, in widths of the picture, is wall: all of it in the upper corners and so much
beside the head, where the edge of a round cut-out comes nearer."""
_SAMPLE_ABOVE = 0.85
"""Where the hair's colour is taken, in eye-to-chin distances above the eyes."""
_SAME_DELTA_E, _LIGHTNESS_WEIGHT = 18.0, 0.5
"""Hair shines above the forehead and not at its top: 31 L* apart on one man."""


def ends_in_hair(
    planes: Sequence[Plane], wall: Mask, eye_middle: npt.NDArray[np.float64], eye_to_chin_px: float
) -> bool:
    """Whether what stands at the upper edge between plain wall is hair, and no thing behind it.

    A shelf or a curtain reaches the sides, a post has not the colour of what is above the forehead.

    Args:
        planes: CIE Lab by channel, float32 (h, w) each.
        wall: bool (h, w), True where wall was keyed.
        eye_middle: x and y between the pupils.
        eye_to_chin_px: their distance to the chin.
    """
    height, width = wall.shape
    x, y = (int(value) for value in eye_middle)
    if not (_HALF_PX < x < width - _HALF_PX and 2 * _EDGE_PX < y < height):
        return False
    margin, chin = max(1, round(_MARGIN * width)), int(y + eye_to_chin_px)
    for side in (wall[:chin, :margin], wall[:chin, -margin:]):
        if not side[:_EDGE_PX].all() or side.mean() < _SIDE_SHARE:
            return False
    across = slice(x - _HALF_PX, x + _HALF_PX + 1)
    row = max(_EDGE_PX, int(y - _SAMPLE_ABOVE * eye_to_chin_px))
    hair, edge = (
        find_medians(
            np.stack([plane[top : top + 2 * _EDGE_PX, across].ravel() for plane in planes])
        )
        for top in (row, _EDGE_PX)
    )
    away = (hair - edge) * (_LIGHTNESS_WEIGHT, 1.0, 1.0)
    return float(np.linalg.norm(away)) < _SAME_DELTA_E
