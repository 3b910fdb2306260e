"""Hair that the upper edge cuts off, where so much of it hides the wall that it seems not plain."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from imagecheck.wall import Mask, Plane

_EDGE_PX = 4
_MARGIN, _SIDE_SHARE = 0.04, 0.9
"""So wide a margin, in widths of the picture, is wall: all of it in the upper corners and so much
beside the head, where the edge of a round cut-out comes nearer."""
_FOREHEAD = 0.8
"""Above it there is hair, or the top of a bald head: in eye-to-chin distances above the eyes."""
_APART_PX, _STEP = 8, 20.0
"""Rows of hair so far apart differ by less, CIE76: by 15 at most on the two people of 47 whose hair
hides so much wall; by 38 where a window ends behind a head."""


def ends_in_hair(
    planes: Sequence[Plane], wall: Mask, eye_middle: npt.NDArray[np.float64], eye_to_chin_px: float
) -> bool:
    """Whether what stands at the upper edge between plain wall is hair, and no thing behind it.

    A shelf or a curtain reaches the sides; between a thing and the head lies a step of colour.

    Args:
        planes: CIE Lab by channel, float32 (h, w) each.
        wall: bool (h, w), True where wall was keyed.
        eye_middle: x and y between the pupils.
        eye_to_chin_px: their distance to the chin.
    """
    height, width = wall.shape
    x, y = (int(value) for value in eye_middle)
    half = max(1, int(eye_to_chin_px / 8))
    if not (half < x < width - half and 0 < y < height):
        return False
    margin, chin = max(1, round(_MARGIN * width)), int(y + eye_to_chin_px)
    for side in (wall[:chin, :margin], wall[:chin, -margin:]):
        if not side[:_EDGE_PX].all() or side.mean() < _SIDE_SHARE:
            return False
    rows = slice(_EDGE_PX, max(_EDGE_PX, int(y - _FOREHEAD * eye_to_chin_px)))
    across = slice(x - half, x + half + 1)
    hair = np.stack([np.median(plane[rows, across], axis=1) for plane in planes])
    steps = np.linalg.norm(hair[:, _APART_PX:] - hair[:, :-_APART_PX], axis=0)
    return float(steps.max(initial=0.0)) < _STEP
