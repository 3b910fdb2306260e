"""Faces: dlib's HOG detector and its 68-point landmarks, loaded once, at first use.

Only these two are loaded. The face encoder and the CNN detector of face_recognition stay on disk;
the model file is found beside the package without running its code. The landmark model was trained
on iBUG 300-W, whose licence excludes commercial use: everything else in imagecheck sees only
``Face``, so another model with the same 68 points can take its place here.
"""

import importlib.util
import threading
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from imagecheck.decode import Rgb

Points = npt.NDArray[np.float64]
"""float64 (n, 2): x to the right, y down, in pixels."""

N_POINTS = 68
_MODEL_PACKAGE = "face_recognition_models"
_MODEL_FILE = "models/shape_predictor_68_face_landmarks.dat"
_LOADING = threading.Lock()


@dataclass(frozen=True, slots=True)
class Box:
    """A detected face in pixels of the picture it was looked for in.

    Attributes:
        left, top, right, bottom: edges; they may lie outside the picture.
        score: the detector's confidence; real faces are mostly above 0.5.
    """

    left: float
    top: float
    right: float
    bottom: float
    score: float = 0.0

    @property
    def area(self) -> float:
        """Square pixels."""
        return max(0.0, self.right - self.left) * max(0.0, self.bottom - self.top)

    @property
    def centre(self) -> tuple[float, float]:
        """Middle of the box, x and y."""
        return (self.left + self.right) / 2, (self.top + self.bottom) / 2

    def mapped(self, factor: float, dx: float = 0.0, dy: float = 0.0) -> "Box":
        """The same box after every coordinate became ``factor * value + d``."""
        return Box(
            self.left * factor + dx,
            self.top * factor + dy,
            self.right * factor + dx,
            self.bottom * factor + dy,
            self.score,
        )


@dataclass(frozen=True, slots=True, eq=False)
class Face:
    """One face: its box and its landmarks.

    Attributes:
        box: where the detector saw it.
        points: float64 (68, 2) in iBUG order: jaw 0-16, brows 17-26, nose 27-35, eyes 36-47
            (36-41 is the eye on the left of the picture), outer lips 48-59, inner lips 60-67.
    """

    box: Box
    points: Points


def load_models() -> None:
    """Load detector and landmarks now, so that the first photo does not wait for them."""
    _detector()
    _predictor()


@cache
def _detector() -> Any:
    import dlib

    with _LOADING:
        return dlib.get_frontal_face_detector()


@cache
def _predictor() -> Any:
    import dlib

    with _LOADING:
        return dlib.shape_predictor(str(model_path()))


def model_path() -> Path:
    """The landmark model that face_recognition_models brings along.

    Raises:
        RuntimeError: the package is not installed.
    """
    spec = importlib.util.find_spec(_MODEL_PACKAGE)
    if spec is None or not spec.submodule_search_locations:
        raise RuntimeError(f"{_MODEL_PACKAGE} is not installed: no landmark model")
    return Path(spec.submodule_search_locations[0]) / _MODEL_FILE


def detect_boxes(pixels: Rgb, *, upsample: int = 0, threshold: float = 0.0) -> list[Box]:
    """Frontal faces of at least about 70 px (halved by each ``upsample``), best score first."""
    rects, scores, _ = _detector().run(np.ascontiguousarray(pixels), upsample, threshold)
    boxes = [
        Box(r.left(), r.top(), r.right() + 1, r.bottom() + 1, s)
        for r, s in zip(rects, scores, strict=True)
    ]
    return sorted(boxes, key=lambda box: -box.score)


def locate_landmarks(pixels: Rgb, box: Box) -> Face:
    """Landmarks of the face inside ``box``; works on any picture, whatever is in the box."""
    import dlib

    rect = dlib.rectangle(
        round(box.left), round(box.top), round(box.right) - 1, round(box.bottom) - 1
    )
    shape = _predictor()(np.ascontiguousarray(pixels), rect)
    points = np.array([(shape.part(i).x, shape.part(i).y) for i in range(N_POINTS)], np.float64)
    return Face(box, points)
