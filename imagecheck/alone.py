"""Whether a person stands alone before a plain wall, so that no second look for faces is due.

The second look finds small faces and halves of faces. None can hide where wall is seen; beside the
body, a face shows skin.
"""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np

from imagecheck.faces import Box
from imagecheck.wall import Mask, Plane, Wall

_STEP = 4
_HEAD_HALF_WIDTH, _HEAD_ABOVE = 0.7, 1.05
"""Half axes of the ellipse around the middle of the box that head and hair fill, in box widths."""
_NECK_HALF_WIDTH = 0.55
_LEAST_FOREIGN_PX = 700
"""In pixels of the picture; the smallest faces that count take twice as many."""
_SKIN_A, _SKIN_B = (4.0, 35.0), (3.0, 45.0)
"""Skin of any tone in any light that deserves the name lies between (a*, b*)."""


def is_alone(boxes: Sequence[Box], planes: Sequence[Plane], wall: Wall) -> bool:
    """Whether one box is all the faces that the picture can hold.

    Args:
        boxes: faces of the quick look.
        planes: CIE Lab of the picture by channel, float32 (h, w) each.
        wall: the keyed wall of the same picture.
    """
    if len(boxes) != 1 or not wall.is_plain:
        return False
    foreign = ~wall.mask[::_STEP, ::_STEP] & ~_own_place(boxes[0], wall.mask.shape)
    below = min(max(0, int(boxes[0].bottom / _STEP)), foreign.shape[0])
    foreign[below:] &= _may_be_skin(*(p[below * _STEP :: _STEP, ::_STEP] for p in planes[1:]))
    solid = cv2.morphologyEx(foreign.astype(np.uint8), cv2.MORPH_OPEN, np.ones((2, 2), np.uint8))
    return int(np.count_nonzero(solid)) * _STEP**2 < _LEAST_FOREIGN_PX


def _own_place(box: Box, shape: tuple[int, ...]) -> Mask:
    """Bool (h/4, w/4): where the person's own head, hair, neck and throat are."""
    y, x = (np.arange(0, side, _STEP, dtype=np.float32) for side in shape)
    size = box.right - box.left
    aside = np.abs(x - box.centre[0])[None, :] / size
    above = np.maximum(0, box.centre[1] - y)[:, None] / size
    head = (aside / _HEAD_HALF_WIDTH) ** 2 + (above / _HEAD_ABOVE) ** 2 < 1
    is_below = (y > box.bottom)[:, None]
    return np.asarray(np.where(is_below, aside < _NECK_HALF_WIDTH, head), np.bool_)


def _may_be_skin(a: Plane, b: Plane) -> Mask:
    return np.asarray(
        (a > _SKIN_A[0]) & (a < _SKIN_A[1]) & (b > _SKIN_B[0]) & (b < _SKIN_B[1]), np.bool_
    )
