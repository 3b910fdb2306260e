"""The wall behind the person: which pixels belong to it, and what colour it has."""

from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

Mask = npt.NDArray[np.bool_]
Lab = npt.NDArray[np.float32]
"""float32 (h, w, 3): CIE L* 0-100, a*, b*, D65."""

KEY_DELTA_E = 10.0
"""Pixels nearer than this to the wall's local colour are wall."""


@dataclass(frozen=True, slots=True, eq=False)
class Wall:
    """The keyed wall.

    Attributes:
        mask: bool (h, w), True where the wall is seen.
        colour: float32 (3,), median CIE Lab of the wall.
        is_plain: whether the wall is even enough for the outline of the head to be trusted.
    """

    mask: Mask
    colour: npt.NDArray[np.float32]
    is_plain: bool


def key_wall(lab: Lab) -> Wall:
    """Key the wall from its colour along the upper border of the picture."""
    h, w = lab.shape[:2]
    edge = max(4, w // 24)
    border = np.concatenate(
        [
            lab[:edge].reshape(-1, 3),
            lab[: h // 2, :edge].reshape(-1, 3),
            lab[: h // 2, -edge:].reshape(-1, 3),
        ]
    )
    colour = np.median(border, axis=0).astype(np.float32)
    spread = float(np.percentile(np.linalg.norm(border - colour, axis=1), 90))
    near = np.linalg.norm(lab - colour, axis=2) < KEY_DELTA_E
    mask = _keep_touching_border(near)
    return Wall(mask, colour, spread < KEY_DELTA_E)


def _keep_touching_border(near: Mask) -> Mask:
    """Connected parts of ``near`` that reach the left, right or upper border."""
    _, labels = cv2.connectedComponents(near.astype(np.uint8), connectivity=4)
    seeds = np.unique(np.concatenate([labels[0], labels[:, 0], labels[:, -1]]))
    keep = np.isin(labels, seeds[seeds > 0])
    return keep & near
