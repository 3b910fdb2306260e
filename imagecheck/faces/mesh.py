"""Face Landmarker v2: 478 points, irises among them, and 52 blendshapes (Google, Apache-2.0)."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from functools import cache, cached_property

import cv2
import numpy as np
import numpy.typing as npt

from imagecheck.decode import Rgb
from imagecheck.faces.face import Box, Mesh
from imagecheck.faces.net import Net
from imagecheck.faces.weights import read_landmarker
from imagecheck.warp import warp

_SIDE_PX = 256
_REACH = 1.5
"""The net looks at a square of this many box sides."""
N_MESH_POINTS = 478
_POINTS, _PRESENCE = "Identity", "Identity_1"

BLENDSHAPES = [
    "neutral",
    "browDownLeft",
    "browDownRight",
    "browInnerUp",
    "browOuterUpLeft",
    "browOuterUpRight",
    "cheekPuff",
    "cheekSquintLeft",
    "cheekSquintRight",
    "eyeBlinkLeft",
    "eyeBlinkRight",
    "eyeLookDownLeft",
    "eyeLookDownRight",
    "eyeLookInLeft",
    "eyeLookInRight",
    "eyeLookOutLeft",
    "eyeLookOutRight",
    "eyeLookUpLeft",
    "eyeLookUpRight",
    "eyeSquintLeft",
    "eyeSquintRight",
    "eyeWideLeft",
    "eyeWideRight",
    "jawForward",
    "jawLeft",
    "jawOpen",
    "jawRight",
    "mouthClose",
    "mouthDimpleLeft",
    "mouthDimpleRight",
    "mouthFrownLeft",
    "mouthFrownRight",
    "mouthFunnel",
    "mouthLeft",
    "mouthLowerDownLeft",
    "mouthLowerDownRight",
    "mouthPressLeft",
    "mouthPressRight",
    "mouthPucker",
    "mouthRight",
    "mouthRollLower",
    "mouthRollUpper",
    "mouthShrugLower",
    "mouthShrugUpper",
    "mouthSmileLeft",
    "mouthSmileRight",
    "mouthStretchLeft",
    "mouthStretchRight",
    "mouthUpperUpLeft",
    "mouthUpperUpRight",
    "noseSneerLeft",
    "noseSneerRight",
]
"""Names of the model card; left and right are the person's own."""

_SEEN_BY_BLENDSHAPES = np.array(
    [
        "0",
        "1",
        "4",
        "5",
        "6",
        "7",
        "8",
        "10",
        "13",
        "14",
        "17",
        "21",
        "33",
        "37",
        "39",
        "40",
        "46",
        "52",
        "53",
        "54",
        "55",
        "58",
        "61",
        "63",
        "65",
        "66",
        "67",
        "70",
        "78",
        "80",
        "81",
        "82",
        "84",
        "87",
        "88",
        "91",
        "93",
        "95",
        "103",
        "105",
        "107",
        "109",
        "127",
        "132",
        "133",
        "136",
        "144",
        "145",
        "146",
        "148",
        "149",
        "150",
        "152",
        "153",
        "154",
        "155",
        "157",
        "158",
        "159",
        "160",
        "161",
        "162",
        "163",
        "168",
        "172",
        "173",
        "176",
        "178",
        "181",
        "185",
        "191",
        "195",
        "197",
        "234",
        "246",
        "249",
        "251",
        "263",
        "267",
        "269",
        "270",
        "276",
        "282",
        "283",
        "284",
        "285",
        "288",
        "291",
        "293",
        "295",
        "296",
        "297",
        "300",
        "308",
        "310",
        "311",
        "312",
        "314",
        "317",
        "318",
        "321",
        "323",
        "324",
        "332",
        "334",
        "336",
        "338",
        "356",
        "361",
        "362",
        "365",
        "373",
        "374",
        "375",
        "377",
        "378",
        "379",
        "380",
        "381",
        "382",
        "384",
        "385",
        "386",
        "387",
        "388",
        "389",
        "390",
        "397",
        "398",
        "400",
        "402",
        "405",
        "409",
        "415",
        "454",
        "466",
        "468",
        "469",
        "470",
        "471",
        "472",
        "473",
        "474",
        "475",
        "476",
        "477",
    ],
    np.intp,
)
"""The mesh points that the blendshape net takes, from MediaPipe's face_blendshapes_graph."""


class MeshModel:
    """Both nets behind the detector."""

    def __init__(self) -> None:
        """Load the nets; `WeightsMissingError` when they cannot be had."""
        task = read_landmarker()
        self._landmarks = Net(task["face_landmarks_detector.tflite"])
        self._blendshapes = Net(task["face_blendshapes.tflite"])

    def locate(self, pixels: Rgb, box: Box) -> tuple[npt.NDArray[np.float64], float]:
        """float64 (478, 3) in pixels of the picture, and how sure the net is of a face, 0-1."""
        (x, y), side = box.centre, _REACH * max(box.right - box.left, box.bottom - box.top)
        to_crop = _rotate_square(x, y, max(side, 1.0), box.tilt_rad)
        crop = warp(pixels, to_crop, (_SIDE_PX, _SIDE_PX))
        values = np.empty((1, 3, _SIDE_PX, _SIDE_PX), np.float32)
        np.divide(cv2.split(crop), np.float32(255), out=values[0])
        out = self._landmarks.run(values)
        points = out[_POINTS].reshape(N_MESH_POINTS, 3).astype(np.float64)
        back = cv2.invertAffineTransform(to_crop)
        placed = points[:, :2] @ back[:, :2].T + back[:, 2]
        depth = points[:, 2:] * float(np.hypot(back[0, 0], back[0, 1]))
        logit = float(np.clip(out[_PRESENCE].reshape(-1)[0], -80, 80))
        return np.hstack([placed, depth]), float(1 / (1 + np.exp(-logit)))

    def describe(self, points: npt.NDArray[np.float64]) -> Mesh:
        """The mesh with its blendshapes, which are asked of the net when somebody reads them."""
        return Mesh(points, _Blendshapes(lambda: self._read_shapes(points)))

    def _read_shapes(self, points: npt.NDArray[np.float64]) -> dict[str, float]:
        seen = points[_SEEN_BY_BLENDSHAPES, :2].astype(np.float32)[None]
        (values,) = self._blendshapes.run(np.ascontiguousarray(seen)).values()
        return dict(zip(BLENDSHAPES, (float(v) for v in values.reshape(-1)), strict=True))


class _Blendshapes(Mapping[str, float]):
    """Values by name, computed once, when the first is read."""

    def __init__(self, compute: Callable[[], dict[str, float]]) -> None:
        self._compute = compute

    @cached_property
    def _values(self) -> dict[str, float]:
        return self._compute()

    def __getitem__(self, name: str) -> float:
        return self._values[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._values)

    def __len__(self) -> int:
        return len(self._values)


def _rotate_square(x: float, y: float, side: float, tilt: float) -> npt.NDArray[np.float64]:
    """float64 (2, 3): brings a tilted square around (x, y) into the upright input of the net."""
    factor = _SIDE_PX / side
    cos, sin = factor * np.cos(tilt), factor * np.sin(tilt)
    turn = np.array([[cos, sin], [-sin, cos]])
    middle = np.array([_SIDE_PX / 2, _SIDE_PX / 2])
    return np.column_stack([turn, middle - turn @ (x, y)])


@cache
def load_mesh_model() -> MeshModel:
    """The one model of this process."""
    return MeshModel()
