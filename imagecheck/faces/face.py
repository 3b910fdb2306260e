"""What every back end gives: a face with its landmarks, whoever has found it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

Points = npt.NDArray[np.float64]
"""float64 (n, 2): x to the right, y down, in pixels."""

N_POINTS = 68


@dataclass(frozen=True, slots=True)
class Box:
    """A detected face in pixels of the picture it was looked for in.

    Attributes:
        left, top, right, bottom: edges; they may lie outside the picture.
        score: the detector's confidence; its scale is the back end's own.
        tilt_rad: slope of the eye line as the detector sees it, clockwise.
    """

    left: float
    top: float
    right: float
    bottom: float
    score: float = 0.0
    tilt_rad: float = 0.0

    @property
    def area(self) -> float:
        """Square pixels."""
        return max(0.0, self.right - self.left) * max(0.0, self.bottom - self.top)

    @property
    def centre(self) -> tuple[float, float]:
        """Middle of the box, x and y."""
        return (self.left + self.right) / 2, (self.top + self.bottom) / 2

    def mapped(self, factor: float, dx: float = 0.0, dy: float = 0.0) -> Box:
        """The same box after every coordinate became ``factor * value + d``."""
        return replace(
            self,
            left=self.left * factor + dx,
            top=self.top * factor + dy,
            right=self.right * factor + dx,
            bottom=self.bottom * factor + dy,
        )


Enough = Callable[[Sequence[Box]], bool]
"""Whether these faces, found at a quick look, are all that can matter."""


def never(boxes: Sequence[Box]) -> bool:
    """Ask for the second look, whatever the first one found."""
    del boxes
    return False


@dataclass(frozen=True, slots=True, eq=False)
class Mesh:
    """What only the mesh back end knows of a face.

    Attributes:
        points: float64 (478, 3): the canonical face mesh, x, y and depth in pixels; 468-472 and
            473-477 are the irises, centre first.
        blendshapes: what the face does, 0-1, by the names of the model card (``eyeBlinkLeft`` ...).
    """

    points: npt.NDArray[np.float64]
    blendshapes: Mapping[str, float]

    def mapped(self, factor: float, dx: float = 0.0, dy: float = 0.0) -> Mesh:
        """The same mesh after every coordinate became ``factor * value + d``."""
        return Mesh(self.points * factor + (dx, dy, 0.0), self.blendshapes)


@dataclass(frozen=True, slots=True, eq=False)
class Face:
    """One face: its box and its landmarks.

    Attributes:
        box: where the detector saw it.
        points: float64 (68, 2) in iBUG order: jaw 0-16, brows 17-26, nose 27-35, eyes 36-47
            (36-41 is the eye on the left of the picture), outer lips 48-59, inner lips 60-67.
        eyes: float64 (2, 2), middles of the open eyes where the pupils are when they look
            straight ahead, the one on the left of the picture first.
        mesh: ``None`` when the back end has no mesh.
    """

    box: Box
    points: Points
    eyes: Points
    mesh: Mesh | None = None

    def mapped(self, factor: float, dx: float = 0.0, dy: float = 0.0) -> Face:
        """The same face after every coordinate became ``factor * value + d``."""
        return Face(
            self.box.mapped(factor, dx, dy),
            self.points * factor + (dx, dy),
            self.eyes * factor + (dx, dy),
            self.mesh and self.mesh.mapped(factor, dx, dy),
        )


@dataclass(frozen=True, slots=True)
class Search:
    """What was found in a picture.

    Attributes:
        faces: as the picture stands, the largest first.
        turned_deg: 0, or 90, 180, 270: how far the picture must be turned anticlockwise until
            its face stands upright; ``faces`` is empty then.
    """

    faces: tuple[Face, ...] = ()
    turned_deg: int = 0

    def mapped(self, factor: float, dx: float = 0.0, dy: float = 0.0) -> Search:
        """The same faces where every coordinate became ``factor * value + d``."""
        return replace(self, faces=tuple(face.mapped(factor, dx, dy) for face in self.faces))
