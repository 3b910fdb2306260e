"""The wall behind the person: which pixels belong to it, and what colour it has.

The wall's colour is the commonest one along the upper left, upper right and top border. A plane
through Lab space follows a slow drift of light over the wall; what lies near the plane and is
connected with the border is wall.
"""

from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

Mask = npt.NDArray[np.bool_]
Lab = npt.NDArray[np.float32]
"""float32 (h, w, 3): CIE L* 0-100, a*, b*, D65."""

KEY_DELTA_E = 9.0
"""Pixels nearer than this to the wall's local colour are wall."""
SEED_SIDE = 0.15
"""Width of the side strips that the wall's colour is taken from, as share of the width."""
SEED_DEPTH = 0.45
"""Height of the side strips, as share of the height."""
SEED_TOP = 0.05
"""Height of the top strip."""
PLAIN_SHARE = 0.80
"""At least this share of the strips must be keyed before the outline of the head is trusted."""
_BIN = 4.0
_FIT_STEP = 4


@dataclass(frozen=True, slots=True, eq=False)
class Wall:
    """The keyed wall.

    Attributes:
        mask: bool (h, w), True where the wall is seen.
        surface: float32 (3, 3): Lab = surface @ (1, x, y), x and y from -0.5 to 0.5.
        colour: float32 (3,), median CIE Lab of the wall.
        plain_share: share of the side strips that is wall: a head may reach the top.
    """

    mask: Mask
    surface: npt.NDArray[np.float32]
    colour: npt.NDArray[np.float32]
    plain_share: float

    @property
    def is_plain(self) -> bool:
        """Whether the wall is even enough for the outline of the head to be trusted."""
        return self.plain_share >= PLAIN_SHARE


def key_wall(lab: Lab) -> Wall:
    """Key the wall from its colour along the upper border of the picture."""
    h, w = lab.shape[:2]
    strips = _seed_strips(h, w)
    sides = _side_strips(h, w)
    x, y = _axes(h, w)
    seeds = strips[::_FIT_STEP, ::_FIT_STEP]
    sample = lab[::_FIT_STEP, ::_FIT_STEP][seeds]
    where = np.stack(
        [
            np.ones(sample.shape[0]),
            x[::_FIT_STEP, ::_FIT_STEP][seeds],
            y[::_FIT_STEP, ::_FIT_STEP][seeds],
        ],
        axis=1,
    ).astype(np.float32)
    surface = _fit_plane(sample, where)
    distance = distance_to_surface(lab, surface)
    mask = _keep_touching_border(distance < KEY_DELTA_E)
    share = float(mask[sides].mean())
    sparse = lab[::_FIT_STEP, ::_FIT_STEP][mask[::_FIT_STEP, ::_FIT_STEP]]
    colour = np.median(sparse, axis=0) if len(sparse) else surface[:, 0]
    return Wall(mask, surface, np.asarray(colour, np.float32), share)


def distance_to_surface(lab: Lab, surface: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    """float32 (h, w): CIE76 of every pixel to the wall's colour at that place."""
    h, w = lab.shape[:2]
    x, y = _axes(h, w)
    total = np.zeros((h, w), np.float32)
    for channel, (c0, cx, cy) in zip(cv2.split(lab), surface, strict=True):
        away = cv2.subtract(channel, (c0 + cx * x[:1]) + cy * y[:, :1])
        total = np.asarray(cv2.accumulateSquare(away, total), np.float32)
    return np.sqrt(total)


def _axes(h: int, w: int) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.float32]]:
    x = np.linspace(-0.5, 0.5, w, dtype=np.float32)[None, :]
    y = np.linspace(-0.5, 0.5, h, dtype=np.float32)[:, None]
    return np.broadcast_to(x, (h, w)), np.broadcast_to(y, (h, w))


def _side_strips(h: int, w: int) -> Mask:
    strips = np.zeros((h, w), np.bool_)
    side = max(2, round(SEED_SIDE * w))
    strips[: round(SEED_DEPTH * h), :side] = True
    strips[: round(SEED_DEPTH * h), -side:] = True
    return strips


def _seed_strips(h: int, w: int) -> Mask:
    strips = _side_strips(h, w)
    strips[: max(2, round(SEED_TOP * h))] = True
    return strips


def _fit_plane(
    sample: npt.NDArray[np.float32], where: npt.NDArray[np.float32]
) -> npt.NDArray[np.float32]:
    """Plane through the commonest colour, grown by three rounds of least squares."""
    surface = np.zeros((3, 3), np.float32)
    surface[:, 0] = _commonest(sample)
    for reach in (12.0, 10.0, 8.0):
        near = np.linalg.norm(sample - where @ surface.T, axis=1) < reach
        if near.sum() < 30:  # noqa: PLR2004 - too few for a plane of three numbers
            break
        gram = where[near].T @ where[near] + np.diag([0, 1e-3, 1e-3]).astype(np.float32)
        surface = np.linalg.solve(gram, where[near].T @ sample[near]).T.astype(np.float32)
    return surface


def _commonest(sample: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    """Centre of the fullest bin of 4 Lab units, refined by the median of its surroundings."""
    bins = np.round(sample / _BIN).astype(np.int64)
    keys = (bins[:, 0] << 32) + (bins[:, 1] + 512 << 16) + bins[:, 2] + 512
    _, first, counts = np.unique(keys, return_index=True, return_counts=True)
    peak = bins[first[np.argmax(counts)]].astype(np.float32) * _BIN
    near = np.linalg.norm(sample - peak, axis=1) < 2 * _BIN
    return np.asarray(np.median(sample[near], axis=0), np.float32)


def _keep_touching_border(near: Mask) -> Mask:
    """Connected parts of ``near`` that reach the left, right or upper border."""
    _, labels = cv2.connectedComponents(near.astype(np.uint8), connectivity=4)
    seeds = np.unique(np.concatenate([labels[0], labels[:, 0], labels[:, -1]]))
    keep = np.zeros(int(labels.max()) + 1, np.bool_)
    keep[seeds] = True
    keep[0] = False
    return np.asarray(keep[labels])
