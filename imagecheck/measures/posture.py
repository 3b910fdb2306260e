"""How the head and the shoulders are held, from landmarks and from the body's outline."""

import numpy as np

from imagecheck.analysis import PATCH_EYES, PATCH_IED, Analysis

_EYE_Y = PATCH_EYES[0][1]
_MIDDLE_X = (PATCH_EYES[0][0] + PATCH_EYES[1][0]) / 2
_SHOULDER_PLACES = (0.72, 0.82, 0.92)
"""Distances from the face's middle at which shoulders are measured, in face widths."""

PITCH_TERMS = (
    # what, mean and standard deviation over compliant photos, weight
    ("nose tip to base over eye distance", 0.2256, 0.0278, 0.52),
    ("nose base below the eyes over T", 0.3979, 0.0345, 0.95),
    ("ear ends of the jaw below the eyes over T", 0.0506, 0.0469, 0.90),
    ("brows above the eyes over T", 0.2026, 0.0282, -1.0),
    ("nose root above the eyes over eye distance", 0.0330, 0.0261, 0.91),
    ("face width over T", 1.2356, 0.0468, -0.30),
)
"""A raised chin shows more of the nose's underside and lets the ears sink; the brows come down and
the face gets shorter. Ridge regression on the tuning people of photobench (552 compliant photos,
30 nodding heads), checked by leaving one person out at a time. The slant of the eyes tells the nod
too, but also where somebody's family comes from, and is left out."""
_PITCH_SCALE = 0.70
_STRIP_PX = 5


def measure_yaw(analysis: Analysis) -> float:
    """Nose tip off the middle of the jaw, -1 to 1; positive when turned to the picture's right."""
    points = analysis.patch_points
    left, right = points[30, 0] - points[0, 0], points[16, 0] - points[30, 0]
    return float((left - right) / max(left + right, 1.0))


def measure_pitch(analysis: Analysis) -> float:
    """Nod in standard deviations of compliant photos; positive with the chin up."""
    points, t = analysis.patch_points, max(1.0, float(analysis.patch_points[8, 1] - _EYE_Y))
    values = (
        (points[33, 1] - points[30, 1]) / PATCH_IED,
        (points[33, 1] - _EYE_Y) / t,
        ((points[0, 1] + points[16, 1]) / 2 - _EYE_Y) / t,
        (_EYE_Y - (points[19, 1] + points[24, 1]) / 2) / t,
        (_EYE_Y - points[27, 1]) / PATCH_IED,
        (points[16, 0] - points[0, 0]) / t,
    )
    terms = zip(values, PITCH_TERMS, strict=True)
    return _PITCH_SCALE * sum(
        weight * float(value - mean) / deviation for value, (_, mean, deviation, weight) in terms
    )


def measure_mouth_gap(analysis: Analysis) -> float:
    """Mean distance of the inner lips over T."""
    points = analysis.patch_points
    gap = float((points[[65, 66, 67], 1] - points[[63, 62, 61], 1]).mean())
    return gap / max(1.0, float(points[8, 1] - _EYE_Y))


def measure_smile(analysis: Analysis) -> float:
    """Twice the mouth's width over the jaw's, plus the lift of its corners over the eyes."""
    points = analysis.patch_points
    width = float(points[54, 0] - points[48, 0]) / max(1.0, float(points[12, 0] - points[4, 0]))
    lift = float((points[62, 1] + points[66, 1] - points[48, 1] - points[54, 1]) / 2) / PATCH_IED
    return 2 * width + lift


def measure_shoulders(analysis: Analysis) -> float | None:
    """Height difference of the shoulders over the face width; ``None`` when not seen."""
    body = ~analysis.wall.mask
    floor = int(analysis.points[8, 1] - 0.1 * analysis.eye_to_chin_px)
    differences = []
    for place in _SHOULDER_PLACES:
        heights = [_shoulder_row(analysis, body, side * place, floor) for side in (-1, 1)]
        if None not in heights:
            differences.append(float(heights[1] or 0) - float(heights[0] or 0))
    if not differences:
        return None
    return abs(float(np.median(differences))) / analysis.face_width_px


def _shoulder_row(
    analysis: Analysis, body: np.ndarray[tuple[int, int], np.dtype[np.bool_]], at: float, floor: int
) -> int | None:
    """Where the body begins in a column, seen from below; ``None`` when it cannot be told."""
    x = int(analysis.face_centre_x_px + at * analysis.face_width_px)
    if not _STRIP_PX < x < analysis.width - _STRIP_PX or not 0 <= floor < analysis.height - 20:
        return None
    column = body[floor:, x - 4 : x + 5].mean(axis=1) > 0.5  # noqa: PLR2004 - majority
    gaps = np.flatnonzero(~column)
    row = floor + (int(gaps[-1]) + 1 if gaps.size else 0)
    return row if floor + 3 < row < analysis.height - 12 else None
