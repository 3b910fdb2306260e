"""Measures a face in 128 numbers (dlib's network, free to use), for comparing, never for a verdict.

Boxes come from dlib's detector, alignment from the five-point model, which is free too; the
68-point model is not touched. Loaded at the first use, in the isolated child alone.
"""

from __future__ import annotations

import importlib.util
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from imagecheck.decode import decode

_PACKAGE = "face_recognition_models"
_POINTS = "models/shape_predictor_5_face_landmarks.dat"
_NETWORK = "models/dlib_face_recognition_resnet_model_v1.dat"


def load() -> None:
    """Load the models now, so that the first face does not wait for them.

    Raises:
        RuntimeError: the package with the models is not installed.
    """
    _models()


def encode_face(jpeg: bytes) -> list[float] | None:
    """Return 128 floats for the largest face of a standard photo; None where none is found.

    Raises:
        UndecodableError: there is no picture.
    """
    pixels = np.ascontiguousarray(decode(jpeg).pixels)
    detect, find_points, network = _models()
    boxes = detect(pixels, 0)
    if not boxes:
        return None
    box = max(boxes, key=lambda each: each.area())
    return [
        float(each) for each in network.compute_face_descriptor(pixels, find_points(pixels, box))
    ]


@cache
def _models() -> tuple[Any, Any, Any]:
    import dlib

    spec = importlib.util.find_spec(_PACKAGE)
    if spec is None or not spec.submodule_search_locations:
        raise RuntimeError(f"{_PACKAGE} is not installed: faces cannot be compared")
    folder = Path(spec.submodule_search_locations[0])
    return (
        dlib.get_frontal_face_detector(),
        dlib.shape_predictor(str(folder / _POINTS)),
        dlib.face_recognition_model_v1(str(folder / _NETWORK)),
    )
