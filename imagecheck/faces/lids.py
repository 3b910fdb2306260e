"""A closer look at the lids: Google's iris net (Apache-2.0) draws their edge, one eye at a time.

The mesh sees a whole face in 256 px and takes some closed lids for open ones; here an eye alone
fills 64 px.
"""

from __future__ import annotations

from functools import cache

import numpy as np
import numpy.typing as npt

from imagecheck.decode import Rgb
from imagecheck.faces.face import Mesh, Points
from imagecheck.faces.net import Net
from imagecheck.faces.weights import IRIS
from imagecheck.warp import warp

_SIDE_PX = 64
_REACH = 2.3
"""The net looks at a square of this many widths of the eye."""
_CORNERS = ((33, 133), (362, 263))
"""Mesh points: corners of the eye on the left of the picture, then of the other."""
_N_VALUES = 3 * 71
_LOWER, _UPPER = slice(0, 9), slice(15, 8, -1)
"""Places of the lids' edge among the answers: from corner to corner, and back between them."""


def measure_lid_areas(pixels: Rgb, mesh: Mesh) -> tuple[float, float] | None:
    """Area between the lids over the square of their width, the eye on the picture's left first.

    ``None`` where the picture cuts an eye off.

    Args:
        pixels: uint8 (h, w, 3) RGB.
        mesh: of a face in that picture.
    """
    height, width = pixels.shape[:2]
    places = mesh.points[np.ravel(_CORNERS), :2]
    if (places < 0).any() or (places >= (width, height)).any():
        return None
    left, right = (
        _area(_find_edge(_cut_eye(pixels, mesh.points[list(corners), :2], is_right=is_right)))
        for corners, is_right in zip(_CORNERS, (False, True), strict=True)
    )
    return left, right


@cache
def load_iris_net() -> Net:
    """The net, loaded once.

    Raises:
        WeightsMissingError: its file is missing or is another one.
    """
    return Net(IRIS.read())


def _cut_eye(pixels: Rgb, corners: Points, *, is_right: bool) -> Rgb:
    """uint8 (64, 64, 3): the eye between level corners, the right one mirrored as it wants it."""
    along = corners[1] - corners[0]
    width = max(1.0, float(np.hypot(*along)))
    a, b = along / width * _SIDE_PX / (_REACH * width)
    turn = np.array([[a, b], [-b, a]])
    to_crop = np.column_stack([turn, _SIDE_PX / 2 - turn @ corners.mean(axis=0)])
    crop = warp(pixels, to_crop, (_SIDE_PX, _SIDE_PX))
    return np.asarray(crop[:, ::-1] if is_right else crop, np.uint8)


def _find_edge(crop: Rgb) -> Points:
    """float64 (16, 2): the edge of the lids, in pixels of the crop."""
    values = crop.astype(np.float32).transpose(2, 0, 1)[None] / np.float32(255)
    outputs = load_iris_net().run(np.ascontiguousarray(values)).values()
    (answer,) = (output for output in outputs if output.size == _N_VALUES)
    points = answer.reshape(-1, 3)[:, :2].astype(np.float64)
    return np.concatenate([points[_LOWER], points[_UPPER]])


def _area(edge: Points) -> float:
    x, y = edge.T
    area = abs(float(np.dot(x, np.roll(y, -1)) - np.dot(y, np.roll(x, -1)))) / 2
    corners: npt.NDArray[np.float64] = edge[0] - edge[8]
    return area / max(1.0, float(corners @ corners))
