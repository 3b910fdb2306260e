"""BlazeFace: boxes of faces with six key points each (Bazarevsky et al. 2019, Apache-2.0).

Two nets: short range (128 px, faces that fill the picture) and full range (192 px, smaller faces
and halves of faces).
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from imagecheck.decode import Rgb
from imagecheck.faces.face import Box
from imagecheck.faces.net import Net

Floats = npt.NDArray[np.float32]
_OVERLAP = 0.3
"""Boxes that share more of their union than this are one face."""
_LOGIT_LIMIT = 80.0


@dataclass(frozen=True, slots=True)
class Shape:
    """How a detector's answers are laid out.

    Attributes:
        side_px: side of the square input.
        cells: (cells a side, anchors a cell) of every layer.
    """

    side_px: int
    cells: tuple[tuple[int, int], ...]


SHORT_RANGE = Shape(128, ((16, 2), (8, 6)))
FULL_RANGE = Shape(192, ((48, 1),))


class Detector:
    """One BlazeFace net."""

    def __init__(self, weights: bytes, shape: Shape) -> None:
        """Take the bytes of the net and its layout."""
        self._net = Net(weights)
        self._side = shape.side_px
        self._anchors = _make_anchors(shape)

    def detect(self, pixels: Rgb, threshold: float = 0.5) -> list[Box]:
        """Faces with at least that confidence (0-1), the surest first.

        Args:
            pixels: uint8 (h, w, 3) RGB of any size.
            threshold: least confidence.
        """
        square, scale, left, top = _letterbox(pixels, self._side)
        outputs = self._net.run(square).values()
        scores, boxes = sorted(
            (np.asarray(o).reshape(len(self._anchors), -1) for o in outputs),
            key=lambda o: o.shape[1],
        )
        logits = np.clip(scores[:, 0], -_LOGIT_LIMIT, _LOGIT_LIMIT)
        confidence = 1 / (1 + np.exp(-logits))
        sure = confidence >= threshold
        if not sure.any():
            return []
        places = boxes[sure].reshape(-1, 8, 2).astype(np.float64)
        places[:, [0, *range(2, 8)]] += self._anchors[sure][:, None] * self._side
        found = _suppress(places, confidence[sure])
        return [_to_box(place, score, scale, left, top) for place, score in found]


def _make_anchors(shape: Shape) -> Floats:
    """float32 (n, 2): centres of the anchors, 0-1."""
    parts = []
    for cells, count in shape.cells:
        y, x = np.mgrid[0:cells, 0:cells]
        centres = np.stack([x, y], axis=-1).reshape(-1, 2)
        parts.append(np.repeat((centres + 0.5) / cells, count, axis=0))
    return np.asarray(np.concatenate(parts), np.float32)


def _letterbox(pixels: Rgb, side: int) -> tuple[Floats, float, float, float]:
    """The picture in a black square, float32 (1, 3, side, side) in -1 to 1; scale and offsets."""
    h, w = pixels.shape[:2]
    scale = side / max(h, w)
    size = max(1, round(w * scale)), max(1, round(h * scale))
    how = cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR
    small = cv2.resize(pixels, size, interpolation=how)
    left, top = (side - size[0]) // 2, (side - size[1]) // 2
    square = np.zeros((side, side, 3), np.uint8)
    square[top : top + size[1], left : left + size[0]] = small
    values = square.astype(np.float32) / np.float32(127.5) - np.float32(1)
    return np.ascontiguousarray(values.transpose(2, 0, 1)[None]), scale, left, top


def _suppress(
    places: npt.NDArray[np.float64], scores: npt.NDArray[np.floating]
) -> list[tuple[npt.NDArray[np.float64], float]]:
    """One weighted mean (8, 2) for every group of overlapping answers, the surest first."""
    order = np.argsort(-scores)
    places, scores = places[order], scores[order]
    kept = []
    while len(scores):
        same = _overlap(places[0], places) > _OVERLAP
        same[0] = True
        weights = scores[same] / scores[same].sum()
        kept.append(((places[same] * weights[:, None, None]).sum(axis=0), float(scores[0])))
        places, scores = places[~same], scores[~same]
    return kept


def _overlap(
    one: npt.NDArray[np.float64], others: npt.NDArray[np.float64]
) -> npt.NDArray[np.float64]:
    """Intersection over union of one box with others; centre and size are rows 0 and 1."""
    low = np.maximum(one[0] - one[1] / 2, others[:, 0] - others[:, 1] / 2)
    high = np.minimum(one[0] + one[1] / 2, others[:, 0] + others[:, 1] / 2)
    shared = np.clip(high - low, 0, None).prod(axis=1)
    union = one[1].prod() + others[:, 1].prod(axis=1) - shared
    return np.asarray(shared / np.maximum(union, 1e-9), np.float64)


def _to_box(
    place: npt.NDArray[np.float64], score: float, scale: float, left: float, top: float
) -> Box:
    """A box in picture pixels; key points 2 and 3 are the eyes, left of the picture first."""
    place = place.copy()
    place[[0, *range(2, 8)]] -= (left, top)
    place /= scale
    (x, y), (w, h) = place[0], place[1]
    dx, dy = place[3] - place[2]
    tilt = float(np.arctan2(dy, dx))
    return Box(x - w / 2, y - h / 2, x + w / 2, y + h / 2, score, tilt)
