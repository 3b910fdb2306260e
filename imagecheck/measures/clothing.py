"""Clothes against the wall."""

from __future__ import annotations

import numpy as np

from imagecheck.analysis import Analysis
from imagecheck.ranks import find_share
from imagecheck.wall import square_distance_by_plane

BLEND_DELTA_E = 12.0
"""Clothes nearer than this to the wall's colour cannot be told from it (CIE76)."""


def measure_blend(analysis: Analysis) -> float | None:
    """Share of the clothes in the lowest rows that has the wall's colour.

    Left and right of the collar, within a face width of the middle; ``None`` when the picture
    ends at the neck.
    """
    chin_y, t = float(analysis.points[8, 1]), analysis.eye_to_chin_px
    top = max(int(0.88 * analysis.height), int(chin_y + 0.45 * t))
    if top > analysis.height - 8:
        return None
    aside = np.abs(np.arange(analysis.width) - analysis.face_centre_x_px) / analysis.face_width_px
    columns = (aside > 0.3) & (aside < 1.0)  # noqa: PLR2004 - beside the neck, within the body
    if not columns.any():
        return None
    clothes = (plane[top:, columns] for plane in analysis.lab_planes)
    is_near = square_distance_by_plane(clothes, analysis.wall.colour) < BLEND_DELTA_E**2
    return find_share(is_near)
