"""The darkest line from corner to corner of an eye: lids that touch sag below the corners.

The edge of an open upper lid, dark with lashes and the iris under it, arches above the line between
the corners; that of a lid that is down hangs below it. So the place of the line tells the two apart
where neither colour nor landmarks do, on any skin, since only its place counts and not its depth.
"""

from __future__ import annotations

import cv2
import numpy as np
import numpy.typing as npt

from imagecheck.measures.eyes import Eye

_ALONG = np.linspace(0.12, 0.88, 17)
"""Where the line is looked at, from corner to corner: lashes stand out beyond both."""
_ARC = 1 - (2 * _ALONG - 1) ** 2
_ENDS = np.linspace(-0.12, 0.12, 7)
"""How far from the corners it may begin and end, in widths of the eye, positive below."""
_SAGS = np.linspace(-0.40, 0.36, 20)
"""How far its middle lies below its ends, in widths of the eye."""
_ABOVE, _BELOW = _SAGS < -0.06, _SAGS > 0.02  # noqa: PLR2004 - between them it is straight
_BESIDE = 0.07
"""A line is darker than what lies so far above and below it, in widths of the eye."""
_SOFT_X_PX, _SOFT_Y_PX = 1.5, 1.0
_MOST, _LEAST = 0.25, 0.01
"""Darker places count no more, so a pupil alone is no line; and so much has any skin."""


def measure_sag(eye: Eye) -> float:
    """How dark the darkest line below the corners is over the darkest one above them.

    Open eyes of 240 portraits and 39 people of photobench reach 1.31.
    """
    left, right = eye.lids[0], eye.lids[3]
    beside = max(2, round(_BESIDE * eye.width))
    ends = left[1] + (right[1] - left[1]) * _ALONG
    arcs = _ENDS[:, None, None] + _SAGS[:, None] * _ARC
    rows = np.rint(ends + eye.width * arcs).astype(np.intp)
    columns = np.rint(left[0] + (right[0] - left[0]) * _ALONG).astype(np.intp)
    top, first = max(0, int(rows.min()) - beside), max(0, int(columns.min()))
    near = eye.lab[top : int(rows.max()) + beside + 1, first : int(columns.max()) + 1, 0]
    darkness = _measure_darkness(near, beside)
    if not darkness.size:
        return 0.0
    rows = np.clip(rows - top - beside, 0, darkness.shape[0] - 1)
    columns = np.clip(columns - first, 0, darkness.shape[1] - 1)
    strength = np.minimum(darkness[rows, columns] / eye.scale_l, _MOST).mean(axis=2).max(axis=0)
    return float(strength[_BELOW].max() / max(_LEAST, strength[_ABOVE].max()))


def _measure_darkness(lightness: npt.NDArray[np.float32], beside: int) -> npt.NDArray[np.float32]:
    """How much darker each row is than those ``beside`` px away, without so many at both ends."""
    if len(lightness) <= 2 * beside or not lightness.size:
        return np.zeros((0, 0), np.float32)
    soft = cv2.GaussianBlur(
        np.ascontiguousarray(lightness), (0, 0), sigmaX=_SOFT_X_PX, sigmaY=_SOFT_Y_PX
    )
    rows = np.asarray(soft, np.float32)
    middle = rows[beside:-beside]
    return np.asarray((rows[: -2 * beside] + rows[2 * beside :]) / 2 - middle, np.float32)
