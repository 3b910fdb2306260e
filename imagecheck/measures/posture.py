"""How the head and the shoulders are held, from landmarks and from the body's outline."""

from __future__ import annotations

import numpy as np

from imagecheck.analysis import PATCH_EYES, PATCH_IED, Analysis
from imagecheck.faces import Points
from imagecheck.measures.clothing import measure_blend
from imagecheck.wall import Mask

_EYE_Y = PATCH_EYES[0][1]
_SHOULDER_PLACES = (0.72, 0.82, 0.92)
"""Distances from the neck's middle at which shoulders are measured, in face widths."""
_BESIDE_NECK = (0.5, 0.6)
"""Where the body is seen that goes on below the picture."""
_NECK_REACH = 0.45
"""The neck is sought so far below the chin, in eye-to-chin distances."""

_NECK_ASIDE = 0.12
"""The neck's middle lies no further from that of the face, in face widths."""
_MOSTLY_WALL = 0.6
"""Where so much beside the collar has the wall's colour, the clothes have it, too; a side that lies
below the picture leaves half."""
_LOWEST_PX = 12
"""A body that begins in so many of the lowest rows shows no shoulder."""

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
_PITCH_HEIGHTS = (
    # mesh points whose mean height below the eyes counts, degrees for one eye distance
    ((10,), 4.0),  # forehead
    ((105, 334), 34.0),  # brows
    ((168,), -61.0),  # root, ridge, tip and base of the nose
    ((197,), 43.0),
    ((4,), -15.0),
    ((2,), 38.0),
    ((98, 327), 23.0),  # its wings
    ((50, 280), -140.0),  # cheeks, which lie far before the ears
    ((127, 356), 50.0),  # temples and ears
    ((234, 454), 36.0),
    ((13,), 29.0),  # upper lip
    ((152,), 8.0),  # chin
)
_PITCH_WIDTHS = (((127, 356), 41.0), ((234, 454), -50.0), ((98, 327), -23.0))
_PITCH_OFFSET_DEG = 13.2
"""Ridge regression on the meshes of 332 compliant photos of 39 people and of 240 portraits, as they
are and turned by 15 and 25 degrees either way, and on 156 drawn nods. In five folds of people it
tells meshes that are turned by 15 degrees within 3.4, and misses 11 of the nods. The slant of the
eyes is left out here, too."""
_DEGREES_A_DEVIATION = 4.0
_IRISES = (468, 473)
_STRIP_PX = 5
_TWINS = np.array(
    [(33, 263), (133, 362), (61, 291), (234, 454), (127, 356), (58, 288), (132, 361), (98, 327)]
)
"""Mesh points that lie opposite each other, the one on the left of the picture first."""
_DEGREES_A_RATIO = 45.0
_SMILE_SHIFT = -0.44


def measure_yaw(analysis: Analysis) -> float:
    """Degrees by which the head is turned; positive towards the picture's right.

    The mean of two: the slope into the picture of lines between points that lie level on every
    face, and the nose tip off the middle of the jaw, 45 degrees for a whole half face width.
    Without a mesh the second alone.
    """
    points = analysis.patch_points
    left, right = points[30, 0] - points[0, 0], points[16, 0] - points[30, 0]
    by_nose = _DEGREES_A_RATIO * float((left - right) / max(left + right, 1.0))
    mesh = analysis.face and analysis.face.mesh
    if not mesh:
        return by_nose
    across = mesh.points[_TWINS[:, 1]] - mesh.points[_TWINS[:, 0]]
    across = (across / np.linalg.norm(across, axis=1, keepdims=True)).mean(axis=0)
    slope = float(np.degrees(np.arctan2(across[2], np.hypot(across[0], across[1]))))
    return (slope + by_nose) / 2


def measure_pitch(analysis: Analysis) -> float:
    """Nod in units of four degrees, a standard deviation of compliant photos; positive, chin up.

    From heights and widths of the mesh, or without one from six places of the 68 points.
    """
    mesh = analysis.face and analysis.face.mesh
    if mesh:
        return _read_pitch_deg(mesh.points[:, :2]) / _DEGREES_A_DEVIATION
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


def _read_pitch_deg(points: Points) -> float:
    """Degrees by which the chin is raised, of mesh points in any picture, tilted or not."""
    left, right = points[list(_IRISES)]
    along = (right - left) / max(1.0, float((right - left) @ (right - left)))
    down = np.array([-along[1], along[0]])
    heights = (points - (left + right) / 2) @ down
    places = points @ along
    degrees = _PITCH_OFFSET_DEG
    for where, weight in _PITCH_HEIGHTS:
        degrees += weight * float(heights[list(where)].mean())
    for (one, other), weight in _PITCH_WIDTHS:
        degrees += weight * abs(float(places[other] - places[one]))
    return degrees


def measure_mouth_gap(analysis: Analysis) -> float:
    """Mean distance of the inner lips over T."""
    points = analysis.patch_points
    gap = float((points[[65, 66, 67], 1] - points[[63, 62, 61], 1]).mean())
    return gap / max(1.0, float(points[8, 1] - _EYE_Y))


def measure_smile(analysis: Analysis) -> float:
    """How much both corners of the mouth smile, 0-1, as the blendshapes have learned it.

    Without a mesh: twice the mouth's width over the jaw's, plus the lift of its corners over the
    eyes, shifted so that the same smile gives about the same value.
    """
    mesh = analysis.face and analysis.face.mesh
    if mesh:
        return (mesh.blendshapes["mouthSmileLeft"] + mesh.blendshapes["mouthSmileRight"]) / 2
    points = analysis.patch_points
    width = float(points[54, 0] - points[48, 0]) / max(1.0, float(points[12, 0] - points[4, 0]))
    lift = float((points[62, 1] + points[66, 1] - points[48, 1] - points[54, 1]) / 2) / PATCH_IED
    return max(0.0, 2 * width + lift + _SMILE_SHIFT)


def measure_shoulders(analysis: Analysis) -> float | None:
    """Height difference of the shoulders over the face width; ``None`` when not seen.

    At equal distances from the neck: a head that leans aside has level shoulders, but not under it.
    Where one of them lies below the picture, the difference is at least what is seen of it.
    """
    body = ~analysis.wall.mask
    middle, lowest = _find_neck(analysis, body), analysis.height - _LOWEST_PX
    left, right = (_find_shoulder(analysis, body, middle, side) for side in (-1, 1))
    differences = [
        right_row - left_row
        for left_row, right_row in zip(left, right, strict=True)
        if left_row is not None and right_row is not None and min(left_row, right_row) < lowest
    ]
    if not differences:
        return None
    return abs(float(np.median(differences))) / analysis.face_width_px


def _find_shoulder(analysis: Analysis, body: Mask, middle: float, side: int) -> list[int | None]:
    """Where the body begins at the places of one side; ``None`` where it cannot be told.

    It lies below the picture only where it is seen nearer to the neck and the clothes differ from
    the wall.
    """
    near, rows = (
        [
            _shoulder_row(analysis, body, middle + side * place * analysis.face_width_px)
            for place in places
        ]
        for places in (_BESIDE_NECK, _SHOULDER_PLACES)
    )
    lowest = analysis.height - _LOWEST_PX
    if any(row is not None and row < lowest for row in near):
        blend = analysis.part(measure_blend)
        if blend is None or blend < _MOSTLY_WALL:
            return rows
    return [row if row is not None and row < lowest else None for row in rows]


def _find_neck(analysis: Analysis, body: Mask) -> float:
    """Middle of the body where it is narrowest below the chin, or that of the face without it.

    Never far from the middle of the face: hair that hangs on one side is no neck.
    """
    middle, chin = analysis.face_centre_x_px, float(analysis.points[8, 1])
    x, end = int(middle), int(chin + _NECK_REACH * analysis.eye_to_chin_px)
    rows = body[max(0, int(chin)) : min(analysis.height, end) : 2]
    if not 0 <= x < analysis.width:
        return middle
    left, right = rows[:, : x + 1][:, ::-1], rows[:, x:]  # outwards from the middle of the face
    is_seen = rows[:, x] & ~left.all(axis=1) & ~right.all(axis=1)
    if not is_seen.any():
        return middle
    to_left, to_right = (side[is_seen].argmin(axis=1) for side in (left, right))
    narrowest = int((to_left + to_right).argmin())
    aside = float(to_right[narrowest] - to_left[narrowest]) / 2
    most = _NECK_ASIDE * analysis.face_width_px
    return x + min(max(aside, -most), most)


def _shoulder_row(analysis: Analysis, body: Mask, at: float) -> int | None:
    """Where the body begins in a column, seen from below; ``None`` when it cannot be told.

    The height of the picture where only wall is seen.
    """
    x, floor = int(at), int(analysis.points[8, 1] - 0.1 * analysis.eye_to_chin_px)
    if not _STRIP_PX < x < analysis.width - _STRIP_PX or not 0 <= floor < analysis.height - 20:
        return None
    strip = body[floor:, x - 4 : x + 5].view(np.uint8)
    column = np.add.reduce(strip, axis=1, dtype=np.uint8) > 4  # noqa: PLR2004 - of nine
    gaps = np.flatnonzero(~column)
    row = floor + (int(gaps[-1]) + 1 if gaps.size else 0)
    return row if floor + 3 < row else None
