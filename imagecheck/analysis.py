"""The quantities that rules, framing and drawing share; each is computed once, when asked for."""

from collections.abc import Callable, Sequence
from functools import cached_property
from typing import Any, TypeVar

import cv2
import numpy as np
import numpy.typing as npt

from imagecheck import faces as face_models
from imagecheck.decode import FileFacts, Picture, Rgb
from imagecheck.faces import Face, Points, Search
from imagecheck.profile import Profile
from imagecheck.report import Mode
from imagecheck.wall import Lab, Mask, Wall, key_wall

FRAME_PX = (480, 640)
"""Width and height of the standard photo, and the size at which photos are judged."""

EYE_CENTRE_DROP = 0.034
"""The mean of dlib's six lid points lies this share of the eye distance below the pupil
(measured against hand-marked pupils of 98 frontal studio portraits)."""

LOWEST_SKULL = 0.6
"""No head ends lower above the eyes than this, in eye-to-chin distances; of 40 heads the flattest
has 0.77."""

GAP_PX = 6
"""So many rows of wall end the hair."""

PATCH_PX = (320, 400)
"""Width and height of the levelled face patch."""
PATCH_EYES = ((112.0, 180.0), (208.0, 180.0))
"""Where the two eye centres come to lie in the patch: an eye distance of 96 px."""
PATCH_IED = 96.0

P = TypeVar("P")
Vector = npt.NDArray[np.float64]


def fit_to_frame(pixels: Rgb) -> Rgb:
    """Scale the picture, without stretching, until it just fits into 480x640."""
    h, w = pixels.shape[:2]
    factor = min(FRAME_PX[0] / w, FRAME_PX[1] / h)
    if factor == 1.0:
        return pixels
    size = max(1, round(w * factor)), max(1, round(h * factor))
    how = cv2.INTER_AREA if factor < 1.0 else cv2.INTER_CUBIC
    return np.asarray(cv2.resize(pixels, size, interpolation=how), dtype=np.uint8)


def to_lab(pixels: Rgb) -> Lab:
    """CIE Lab of sRGB pixels: float32 of the same shape, L* 0-100."""
    unit = pixels.astype(np.float32) / np.float32(255)
    return np.asarray(cv2.cvtColor(unit, cv2.COLOR_RGB2LAB), dtype=np.float32)


class Analysis:
    """One picture at working size, and all that is measured on it.

    Every coordinate is in pixels of ``pixels``. ``factor`` leads back to the picture that the
    view was made from: ``picture coordinate = factor * view coordinate``.
    """

    def __init__(
        self,
        pixels: Rgb,
        facts: FileFacts,
        *,
        profile: Profile,
        mode: Mode = "final",
        search: Search | None = None,
        factor: float = 1.0,
        enlargement: float = 1.0,
    ) -> None:
        """Take a picture at working size.

        Args:
            pixels: uint8 (h, w, 3) RGB, about 480x640.
            facts: what the original file said about itself.
            profile: the limits to judge by.
            mode: ``final`` or ``capture``.
            search: faces when they are known already; ``None`` to look for them.
            factor: pixels of the original picture for one pixel of ``pixels``.
            enlargement: pixels of ``pixels`` made of one original pixel; above 1 when standardising
                had to enlarge.
        """
        self.pixels = pixels
        self.facts = facts
        self.profile = profile
        self.mode = mode
        self.factor = factor
        self.enlargement = enlargement
        self._search = search
        self._parts: dict[object, Any] = {}

    def part(self, kind: Callable[["Analysis"], P]) -> P:
        """The one instance of a measurement class for this picture, made at first use."""
        if kind not in self._parts:
            self._parts[kind] = kind(self)
        made: P = self._parts[kind]
        return made

    @classmethod
    def of_picture(cls, picture: Picture, *, profile: Profile, mode: Mode) -> "Analysis":
        """The analysis of a whole picture, scaled to fit 480x640."""
        view = fit_to_frame(picture.pixels)
        factor = picture.pixels.shape[1] / view.shape[1]
        return cls(view, picture.facts, profile=profile, mode=mode, factor=factor)

    @property
    def width(self) -> int:
        """Width in pixels."""
        return int(self.pixels.shape[1])

    @property
    def height(self) -> int:
        """Height in pixels."""
        return int(self.pixels.shape[0])

    # -- the face ---------------------------------------------------------------------------

    @cached_property
    def search(self) -> Search:
        """The faces of the picture, looked for once."""
        return face_models.search(self.pixels) if self._search is None else self._search

    @cached_property
    def faces(self) -> Sequence[Face]:
        """Every face with its landmarks, the largest first."""
        return [face_models.locate_landmarks(self.pixels, box) for box in self.search.boxes]

    @property
    def face(self) -> Face | None:
        """The largest face with its landmarks; ``None`` when there is no upright face."""
        return self.faces[0] if self.faces else None

    @property
    def points(self) -> Points:
        """float64 (68, 2), the landmarks of the largest face.

        Raises:
            LookupError: there is no face; rules that need one are not asked then.
        """
        if self.face is None:
            raise LookupError("no face")
        return self.face.points

    @cached_property
    def eyes(self) -> tuple[Vector, Vector]:
        """Pupil estimates (x, y) of the eye on the left and on the right of the picture."""
        left, right = self.points[36:42].mean(axis=0), self.points[42:48].mean(axis=0)
        lift = np.array([0.0, EYE_CENTRE_DROP * float(np.linalg.norm(right - left))])
        return left - lift, right - lift

    @cached_property
    def eye_middle(self) -> Vector:
        """Middle between the pupils (x, y)."""
        return np.asarray((self.eyes[0] + self.eyes[1]) / 2)

    @cached_property
    def ied_px(self) -> float:
        """Distance of the eye centres."""
        return float(np.linalg.norm(self.eyes[1] - self.eyes[0]))

    @property
    def eye_line_px(self) -> float:
        """Distance of the eyes' middle to the upper edge."""
        return float(self.eye_middle[1])

    @cached_property
    def eye_to_chin_px(self) -> float:
        """T: distance of the eyes' middle to the chin (point 8)."""
        return float(np.linalg.norm(self.points[8] - self.eye_middle))

    @cached_property
    def face_width_px(self) -> float:
        """Cheek to cheek beside the ears: jaw points 0 and 16."""
        return float(np.linalg.norm(self.points[16] - self.points[0]))

    @cached_property
    def face_centre_x_px(self) -> float:
        """Middle of the jaw, from the left edge."""
        return float((self.points[0, 0] + self.points[16, 0]) / 2)

    @cached_property
    def roll_deg(self) -> float:
        """Tilt of the eye line; positive when the eye on the right of the picture is lower."""
        dx, dy = self.eyes[1] - self.eyes[0]
        return float(np.degrees(np.arctan2(dy, dx)))

    # -- the levelled face patch ------------------------------------------------------------

    @cached_property
    def to_patch(self) -> Vector:
        """float64 (2, 3), the turn, scale and shift that bring the view into the patch."""
        (dx, dy), target = self.eyes[1] - self.eyes[0], np.mean(PATCH_EYES, axis=0)
        norm = max(dx * dx + dy * dy, 1.0)
        a, b = PATCH_IED * dx / norm, -PATCH_IED * dy / norm
        turn = np.array([[a, -b], [b, a]])
        return np.column_stack([turn, target - turn @ self.eye_middle])

    @cached_property
    def patch(self) -> Rgb:
        """uint8 (400, 320, 3) RGB: the face with level eyes at ``PATCH_EYES``."""
        face = cv2.warpAffine(
            self.pixels,
            self.to_patch,
            PATCH_PX,
            flags=cv2.INTER_AREA,
            borderMode=cv2.BORDER_REPLICATE,
        )
        return np.asarray(face, dtype=np.uint8)

    @cached_property
    def patch_lab(self) -> Lab:
        """float32 (400, 320, 3): CIE Lab of the patch."""
        return to_lab(self.patch)

    @cached_property
    def patch_points(self) -> Points:
        """float64 (68, 2): the landmarks in the patch."""
        return np.asarray(self.points @ self.to_patch[:, :2].T + self.to_patch[:, 2])

    # -- colour and wall --------------------------------------------------------------------

    @cached_property
    def lab(self) -> Lab:
        """float32 (h, w, 3), CIE Lab of the view."""
        return to_lab(self.pixels)

    @cached_property
    def wall(self) -> Wall:
        """The keyed wall."""
        return key_wall(self.lab)

    @cached_property
    def patch_wall(self) -> Mask:
        """The keyed wall seen in the patch, bool (400, 320)."""
        mask = self.wall.mask.astype(np.uint8)
        patch = cv2.warpAffine(
            mask, self.to_patch, PATCH_PX, flags=cv2.INTER_NEAREST, borderMode=cv2.BORDER_REPLICATE
        )
        return np.asarray(patch, dtype=np.bool_)

    @cached_property
    def hair_top_px(self) -> float | None:
        """First row of hair above the face; ``None`` when it cannot be told from the wall.

        That is so when the wall is not plain, or when hair and forehead vanish in it.
        """
        if not self.wall.is_plain or self.face is None:
            return None
        half = self.ied_px / 2
        x = int(self.eye_middle[0])
        columns = slice(max(0, int(x - half)), min(self.width, int(x + half)))
        share = 1.0 - self.wall.mask[:, columns].mean(axis=1)
        skull = int(self.eye_line_px - LOWEST_SKULL * self.eye_to_chin_px)
        above = share[: max(0, skull)][::-1] > 0.15  # noqa: PLR2004 - definition of the hair top row
        if above.size < GAP_PX:
            return 0.0  # the head is cut off
        if not above[:GAP_PX].any():
            return None
        # upwards from the forehead: a lamp or a shadow at the upper edge is no hair
        run = np.convolve(above, np.ones(GAP_PX, np.intp))[GAP_PX - 1 :][: above.size]
        gaps = np.flatnonzero(run == 0)
        height = int(gaps[0]) if gaps.size else above.size
        return float(skull - 1 - np.flatnonzero(above[:height])[-1])
