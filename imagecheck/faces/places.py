"""The mesh's points in the 68 places of iBUG, for the rules that are written against those.

Only the order of the places is iBUG's. Which mesh point stands for one follows from anatomy; the
offsets move the means onto the hand-placed points of 47 frontal faces of the London Set
(CC BY 4.0, DeBruine & Jones 2017), so nothing here descends from a model trained on iBUG 300-W.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from imagecheck.faces.face import N_POINTS, Points

Floats = npt.NDArray[np.float64]

_IRISES = (468, 473)
_PUPIL_OFFSETS = ((-0.001, -0.008), (-0.004, -0.008))

_MESH_POINTS = np.array(
    [
        "127",
        "234",
        "93",
        "132",
        "58",
        "136",
        "150",
        "176",
        "152",
        "400",
        "379",
        "365",
        "288",
        "361",
        "323",
        "454",
        "356",
        "70",
        "63",
        "105",
        "66",
        "107",
        "336",
        "296",
        "334",
        "293",
        "300",
        "168",
        "197",
        "5",
        "4",
        "75",
        "97",
        "2",
        "326",
        "305",
        "33",
        "160",
        "158",
        "133",
        "153",
        "144",
        "362",
        "385",
        "387",
        "263",
        "373",
        "380",
        "61",
        "40",
        "37",
        "0",
        "267",
        "270",
        "291",
        "321",
        "314",
        "17",
        "84",
        "91",
        "78",
        "81",
        "13",
        "311",
        "308",
        "402",
        "14",
        "178",
    ],
    np.intp,
)
"""The mesh point for every place: jaw, brows, nose, eyes, outer lips, inner lips."""

_OFFSETS = {
    0: (0.010, 0.000),
    8: (0.018, 0.026),
    16: (-0.004, 0.000),
    36: (-0.009, -0.004),
    37: (0.040, -0.011),
    38: (-0.002, 0.003),
    39: (-0.010, 0.000),
    40: (-0.021, 0.000),
    41: (0.018, -0.003),
    42: (0.011, 0.000),
    43: (0.004, 0.003),
    44: (-0.037, -0.009),
    45: (0.010, 0.003),
    46: (-0.014, 0.000),
    47: (0.026, 0.002),
    48: (-0.003, 0.006),
    49: (0.053, -0.026),
    50: (-0.002, 0.002),
    51: (0.001, 0.002),
    52: (0.008, 0.003),
    53: (-0.046, -0.018),
    54: (0.004, 0.001),
    55: (-0.009, 0.012),
    56: (0.057, -0.008),
    57: (0.012, 0.002),
    58: (-0.032, -0.004),
    59: (0.019, 0.015),
    61: (-0.008, 0.001),
    62: (0.002, 0.001),
    63: (0.015, 0.001),
    65: (0.013, 0.000),
    66: (0.002, -0.001),
    67: (-0.007, -0.003),
}
"""Mean of hand mark minus mesh point, in eye distances along and across the eye line; places
without a hand mark keep the mesh point."""


def _spread_offsets() -> Floats:
    offsets = np.zeros((N_POINTS, 2))
    for place, offset in _OFFSETS.items():
        offsets[place] = offset
    return offsets


_ALL_OFFSETS = _spread_offsets()


def put_in_places(mesh: Floats) -> tuple[Points, Points]:
    """The 68 points and the two pupils.

    Args:
        mesh: float64 (478, 3), x, y and depth in pixels.
    """
    irises = mesh[list(_IRISES), :2]
    axes = np.stack([irises[1] - irises[0], _turn_left(irises[1] - irises[0])])
    points = mesh[_MESH_POINTS, :2] + _ALL_OFFSETS @ axes
    return points, irises + np.array(_PUPIL_OFFSETS) @ axes


def _turn_left(along: Floats) -> Floats:
    """The direction down the face, given the one from the left eye of the picture to the right."""
    return np.array([-along[1], along[0]])
