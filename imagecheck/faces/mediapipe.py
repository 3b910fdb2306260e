"""The default back end: BlazeFace detectors and Face Landmarker v2, read by OpenCV."""

from __future__ import annotations

from functools import cache
from itertools import chain

import cv2
import numpy as np

from imagecheck.decode import Rgb
from imagecheck.faces import blaze
from imagecheck.faces.blaze import Detector
from imagecheck.faces.face import Box, Enough, Face, Search, never
from imagecheck.faces.lids import load_iris_net
from imagecheck.faces.mesh import MeshModel, load_mesh_model
from imagecheck.faces.places import put_in_places
from imagecheck.faces.weights import FULL_RANGE, read_landmarker

_NEAR_SCORE, _FAR_SCORE = 0.6, 0.55
"""Least confidence of the short-range and of the full-range net: halves of faces reach 0.57 with
the latter, heads without a face at most 0.55 and 0.53."""
_SURE_SCORE = 0.88
"""Below this a face may be turned: of 240 upright portraits one scores less, of the same portraits
on their heads none reaches it."""
_TURNED_SCORE, _TURN_GAIN = 0.76, 0.04
"""A turned picture must score this, and so much more than the upright one: upside-down photos score
from 0.78 once they are turned, cut chins at most 0.73."""
_CLEAR_GAIN = 0.09
"""So much better a turned picture that is not sure itself must be where the mesh net sees a face in
the upright one, too: 279 photos on their heads gain from 0.096, or are sure once they are turned;
upright faces behind 160 drawn masks gain at most 0.08 and reach 0.85."""
_LEVEL_RAD = 0.7
"""A face tilted further may be lying."""
_PRESENT = 0.5
"""The mesh net's own doubt about a face; a hand or a pattern stays far below."""
_QUARTERS = {
    1: cv2.ROTATE_90_COUNTERCLOCKWISE,
    2: cv2.ROTATE_180,
    3: cv2.ROTATE_90_CLOCKWISE,
}
_SMALLEST_SIDE_PX = 20
_MOST_FACES = 6
_SAME_FACE = 0.5
"""Centres nearer than this share of the larger box are one face."""


class MediaPipeFaces:
    """Finds faces and their landmarks; threads may share it."""

    name = "mediapipe"

    def load(self) -> None:
        """Load every net now, so that the first photo does not wait for them.

        Raises:
            WeightsMissingError: weights are missing or are other files than expected.
        """
        load_short_range()
        _full_range()
        load_mesh_model()
        load_iris_net()

    def search(
        self, pixels: Rgb, is_enough_for: Enough = never, *, is_upright: bool = False
    ) -> Search:
        """Look for faces; twice where the first look found none, or one that is not enough."""
        if min(pixels.shape[:2]) < _SMALLEST_SIDE_PX:
            return Search()
        near = load_short_range().detect(pixels, _NEAR_SCORE)
        is_enough = _best_level(near) >= _TURNED_SCORE and is_enough_for(near)
        if is_enough and (is_upright or not _find_turn(pixels, near)):
            return Search(_locate_all(pixels, _join(near, [])))
        far = _full_range().detect(pixels, _FAR_SCORE)
        turned_deg = 0 if is_upright else _find_turn(pixels, near + far)
        if turned_deg:
            return Search((), turned_deg)
        return Search(_locate_all(pixels, _join(near, far)))


@cache
def load_short_range() -> Detector:
    """The detector that looks first, loaded once."""
    return Detector(read_landmarker()["face_detector.tflite"], blaze.SHORT_RANGE)


@cache
def _full_range() -> Detector:
    return Detector(FULL_RANGE.read(), blaze.FULL_RANGE)


def _find_turn(pixels: Rgb, boxes: list[Box]) -> int:
    """Degrees by which the picture stands wrong, 0 when upright is the best guess."""
    best = _best_level(boxes)
    if best >= _SURE_SCORE:
        return 0
    scores = {}
    # a lying face is never this sure of standing upright, a head upside down may be
    quarters = (2,) if best >= _TURNED_SCORE else (1, 2, 3)
    for quarter in quarters:
        turned = _turn(pixels, quarter)
        scores[quarter] = _best_level(load_short_range().detect(turned, _TURNED_SCORE))
    quarter = max(scores, key=lambda quarter: scores[quarter])
    gain = scores[quarter] - best
    if gain <= _TURN_GAIN:
        return 0
    is_clear = gain >= _CLEAR_GAIN or scores[quarter] >= _SURE_SCORE
    if not is_clear and _is_confirmed(pixels, boxes):  # as behind a mask
        far = _full_range().detect(_turn(pixels, quarter), _FAR_SCORE)
        return 90 * quarter if _best_level(far) - best >= _CLEAR_GAIN else 0
    return 90 * quarter


def _turn(pixels: Rgb, quarter: int) -> Rgb:
    """The picture turned anticlockwise; by OpenCV, since numpy copies colours one by one."""
    return np.asarray(cv2.rotate(pixels, _QUARTERS[quarter]), np.uint8)


def _is_confirmed(pixels: Rgb, boxes: list[Box]) -> bool:
    """Whether the mesh net sees a face where the surest upright box is."""
    upright = [box for box in boxes if abs(box.tilt_rad) <= _LEVEL_RAD]
    if not upright:
        return False
    surest = max(upright, key=lambda box: box.score)
    return load_mesh_model().locate(pixels, surest)[1] > _PRESENT


def _best_level(boxes: list[Box]) -> float:
    """Score of the surest face that is not lying, 0 without one."""
    return max((box.score for box in boxes if abs(box.tilt_rad) <= _LEVEL_RAD), default=0.0)


def _join(near: list[Box], far: list[Box]) -> list[Box]:
    """Every face once; the short-range net is the more exact one where both see a face."""
    joined: list[Box] = []
    for box in chain(near, far):
        if not any(_is_same(box, other) for other in joined):
            joined.append(box)
    return joined[:_MOST_FACES]


def _is_same(box: Box, other: Box) -> bool:
    side = max(box.right - box.left, other.right - other.left)
    return float(np.hypot(*np.subtract(box.centre, other.centre))) < _SAME_FACE * side


def _locate_all(pixels: Rgb, boxes: list[Box]) -> tuple[Face, ...]:
    """Faces that the mesh net sees too, the largest first."""
    model = load_mesh_model()
    faces = []
    for box in boxes:
        face, presence = _locate(model, pixels, box)
        if presence > _PRESENT:
            faces.append(face)
    return tuple(sorted(faces, key=lambda face: -face.box.area))


def _locate(model: MeshModel, pixels: Rgb, box: Box) -> tuple[Face, float]:
    mesh, presence = model.locate(pixels, box)
    points, eyes = put_in_places(mesh)
    return Face(box, points, eyes, model.describe(mesh)), presence
