"""The second back end: dlib's HOG detector and its 68-point landmarks, loaded at first use.

The face encoder and the CNN detector of face_recognition stay on disk; the model file is found
beside the package without running its code. The landmark model was trained on iBUG 300-W, whose
licence excludes commercial use: only who may use it switches this back end on.
"""

from __future__ import annotations

import importlib.util
import threading
from functools import cache
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from imagecheck.decode import Rgb
from imagecheck.faces.face import N_POINTS, Box, Enough, Face, Points, Search, never
from imagecheck.faces.weights import WeightsMissingError

_MODEL_PACKAGE = "face_recognition_models"
_MODEL_FILE = "models/shape_predictor_68_face_landmarks.dat"
_LOADING = threading.Lock()

EYE_CENTRE_DROP = 0.034
"""The mean of dlib's six lid points lies this share of the eye distance below the pupil
(measured against hand-marked pupils of 98 frontal studio portraits)."""

SURE_SCORE = 0.8
"""A best score below this asks for a second look: of 298 compliant studio pictures none scores
below 1.2, of upside-down ones none above 0.1."""
SMALLEST_SIDE_PX = 40
"""Half the smallest face that is found at double size; dlib cannot read strips of one pixel."""
SECOND_FACE_SCORE = 0.6
"""Weaker second boxes are mostly cloth and shadow."""
_TURN_GAIN = 0.3
"""A turned picture must score this much better before the face counts as turned."""
_PAD_SHARE = 0.25
"""Border added in a second look, as share of the width: half a face is then found."""


class HogFaces:
    """Finds frontal faces and their landmarks with dlib."""

    name = "dlib"

    def load(self) -> None:
        """Load detector and landmarks now, so that the first photo does not wait for them."""
        _detector()
        _predictor()

    def search(
        self, pixels: Rgb, is_enough_for: Enough = never, *, is_upright: bool = False
    ) -> Search:
        """Look for faces: one pass, and second looks only when it found none or a doubtful one.

        The second looks, at half size, find faces that reach over the border (the picture mirrored
        at its edges makes half a face whole), turned faces, and at double size small ones.
        """
        if min(pixels.shape[:2]) < SMALLEST_SIDE_PX:
            return Search()
        found = _detect_boxes(pixels)
        best = found[0].score if found else -1.0
        if best < SURE_SCORE:
            turned_deg = 0 if is_upright else _find_turn(pixels, best)
            if turned_deg:
                return Search((), turned_deg)
            found = found or _look_beyond_border(pixels) or _detect_boxes(pixels, upsample=1)
        return Search(tuple(_locate_landmarks(pixels, box) for box in _keep_faces(found)))


@cache
def _detector() -> Any:
    import dlib

    with _LOADING:
        return dlib.get_frontal_face_detector()


@cache
def _predictor() -> Any:
    import dlib

    with _LOADING:
        return dlib.shape_predictor(str(_model_path()))


def _model_path() -> Path:
    """The landmark model that face_recognition_models brings along.

    Raises:
        WeightsMissingError: the package is not installed.
    """
    spec = importlib.util.find_spec(_MODEL_PACKAGE)
    if spec is None or not spec.submodule_search_locations:
        raise WeightsMissingError(
            f"no face model: {Path(_MODEL_FILE).name} comes with {_MODEL_PACKAGE}, "
            "which is not installed"
        )
    return Path(spec.submodule_search_locations[0]) / _MODEL_FILE


def _detect_boxes(pixels: Rgb, *, upsample: int = 0, threshold: float = 0.0) -> list[Box]:
    """Frontal faces of at least about 70 px (halved by each ``upsample``), best score first."""
    rects, scores, _ = _detector().run(np.ascontiguousarray(pixels), upsample, threshold)
    boxes = [
        Box(r.left(), r.top(), r.right() + 1, r.bottom() + 1, s)
        for r, s in zip(rects, scores, strict=True)
    ]
    return sorted(boxes, key=lambda box: -box.score)


def _keep_faces(found: list[Box]) -> list[Box]:
    """The best box and every other sure one, the largest first."""
    kept = [box for i, box in enumerate(found) if i == 0 or box.score > SECOND_FACE_SCORE]
    return sorted(kept, key=lambda box: -box.area)


def _half(pixels: Rgb) -> Rgb:
    h, w = pixels.shape[:2]
    size = max(1, w // 2), max(1, h // 2)
    return np.asarray(cv2.resize(pixels, size, interpolation=cv2.INTER_AREA), dtype=np.uint8)


def _find_turn(pixels: Rgb, best: float) -> int:
    """Degrees by which the picture stands wrong, 0 when upright is the best guess."""
    small = _half(pixels)
    scores = {}
    for quarter in (1, 2, 3):
        boxes = _detect_boxes(np.rot90(small, quarter))
        scores[90 * quarter] = boxes[0].score if boxes else -1.0
    turn = max(scores, key=lambda deg: scores[deg])
    return turn if scores[turn] > max(best + _TURN_GAIN, SECOND_FACE_SCORE) else 0


def _look_beyond_border(pixels: Rgb) -> list[Box]:
    small = _half(pixels)
    pad = min(round(small.shape[1] * 2 * _PAD_SHARE), min(small.shape[:2]) - 1)
    if pad < 1:
        return []
    wide = cv2.copyMakeBorder(small, pad, pad, pad, pad, cv2.BORDER_REFLECT_101)
    boxes = [b.mapped(2, -2 * pad, -2 * pad) for b in _detect_boxes(np.asarray(wide, np.uint8))]
    return [box for box in boxes if _is_centre_inside(box, pixels)]


def _is_centre_inside(box: Box, pixels: Rgb) -> bool:
    (x, y), (h, w) = box.centre, pixels.shape[:2]
    slack = (box.right - box.left) / 8
    return bool(-slack <= x <= w + slack and -slack <= y <= h + slack)


def _locate_landmarks(pixels: Rgb, box: Box) -> Face:
    """Landmarks of the face inside ``box``; works on any picture, whatever is in the box."""
    import dlib

    rect = dlib.rectangle(
        round(box.left), round(box.top), round(box.right) - 1, round(box.bottom) - 1
    )
    shape = _predictor()(np.ascontiguousarray(pixels), rect)
    points = np.array([(shape.part(i).x, shape.part(i).y) for i in range(N_POINTS)], np.float64)
    return Face(box, points, _raise_to_pupils(points))


def _raise_to_pupils(points: Points) -> Points:
    """float64 (2, 2): middles of the lid points, lifted by what they lie too low."""
    left, right = points[36:42].mean(axis=0), points[42:48].mean(axis=0)
    lift = np.array([0.0, EYE_CENTRE_DROP * float(np.linalg.norm(right - left))])
    return np.stack([left - lift, right - lift])
