"""The quantities that rules, framing and drawing share; each is computed once, when asked for."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cached_property
from math import gcd
from typing import Any, TypeVar

import cv2
import numpy as np
import numpy.typing as npt

from imagecheck.alone import is_alone
from imagecheck.cut_head import ends_in_hair
from imagecheck.decode import FileFacts, Picture, Rgb
from imagecheck.faces import Box, Face, Points, Search, choose_backend, find_person
from imagecheck.profile import Profile
from imagecheck.report import Mode
from imagecheck.wall import Lab, Mask, Plane, Wall, key_wall
from imagecheck.warp import warp

FRAME_PX = (480, 640)
"""Width and height of the standard photo, and the size at which photos are judged."""

LOWEST_SKULL = 0.6
"""No head ends lower above the eyes than this, in eye-to-chin distances; of 40 heads the flattest
has 0.77."""

_SURELY_PERSON = 0.5
"""Of 40 people with a known head top, the net finds 38 within 2.5 px like this, the key of a plain
wall within 3.2."""

GAP_PX = 6
"""So many rows of wall end the hair."""

PATCH_PX = (320, 400)
"""Width and most height of the levelled face patch."""
_PATCH_ROWS, _BELOW_CHIN = 340, 0.25
"""It ends below so many rows, so far below the lowest point in eye-to-chin distances: the throat is
the lowest that anybody reads."""
PATCH_EYES = ((112.0, 180.0), (208.0, 180.0))
"""Where the two eye centres come to lie in the patch: an eye distance of 96 px."""
PATCH_IED = 96.0

_BAND_ROWS = 128
"""So many rows at a time stay in the processor's cache."""

P = TypeVar("P")
Vector = npt.NDArray[np.float64]


def fit_to_frame(pixels: Rgb, *, roughly: bool = False) -> Rgb:
    """Scale the picture, without stretching, until it just fits into 480x640.

    Args:
        pixels: uint8 (h, w, 3) RGB.
        roughly: an eighth of the time; good enough to find and place a face, not to judge it.
    """
    h, w = pixels.shape[:2]
    factor = min(FRAME_PX[0] / w, FRAME_PX[1] / h)
    if factor == 1.0:
        return pixels
    size = max(1, round(w * factor)), max(1, round(h * factor))
    if factor < 1.0 and not roughly and (w % size[0] or h % size[1]):
        return _average(pixels, size)
    how = cv2.INTER_CUBIC if factor > 1.0 else cv2.INTER_LINEAR if roughly else cv2.INTER_AREA
    return np.asarray(cv2.resize(pixels, size, interpolation=how), dtype=np.uint8)


def _average(pixels: Rgb, size: tuple[int, int]) -> Rgb:
    """The picture at a smaller size by area.

    Of float32, OpenCV takes a quarter less time for the very same means, and less again when the
    parts fit into the cache; they end where the rows of both sizes do.
    """
    average = np.empty((size[1], size[0], 3), np.uint8)
    shared = gcd(len(pixels), size[1])
    rows, step = len(pixels) // shared, size[1] // shared
    parts = max(1, _BAND_ROWS // rows)
    for part in range(0, shared, parts):
        band = pixels[part * rows : (part + parts) * rows].astype(np.float32)
        size_of_part = size[0], len(band) // rows * step
        means = cv2.resize(band, size_of_part, interpolation=cv2.INTER_AREA)
        cv2.convertScaleAbs(means, dst=average[part * step : (part + parts) * step])
    return average


def to_lab(pixels: Rgb) -> Lab:
    """CIE Lab of sRGB pixels: float32 of the same shape, L* 0-100."""
    lab = np.empty(pixels.shape, np.float32)
    for top in range(0, len(pixels), _BAND_ROWS):
        band = slice(top, top + _BAND_ROWS)
        unit = pixels[band].astype(np.float32)
        unit *= np.float32(1 / 255)
        cv2.cvtColor(unit, cv2.COLOR_RGB2LAB, dst=lab[band])
    return lab


def to_lab_planes(pixels: Rgb) -> tuple[Plane, Plane, Plane]:
    """The same by channel, float32 (h, w) each; split band by band, while it is in the cache."""
    light, a, b = planes = tuple(np.empty(pixels.shape[:2], np.float32) for _ in range(3))
    for top in range(0, len(pixels), _BAND_ROWS):
        band = slice(top, top + _BAND_ROWS)
        cv2.split(to_lab(pixels[band]), [plane[band] for plane in planes])
    return light, a, b


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
        is_upright: bool = False,
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
            is_upright: the picture is cut from one that was seen to stand upright.
        """
        self.pixels = pixels
        self.facts = facts
        self.profile = profile
        self.mode = mode
        self.factor = factor
        self.enlargement = enlargement
        self._search, self._is_upright = search, is_upright
        self._parts: dict[object, Any] = {}

    def part(self, kind: Callable[[Analysis], P]) -> P:
        """The one instance of a measurement class for this picture, made at first use.

        It takes what it needs and does not keep the analysis: a circle of the two would keep ten
        megabytes of every photo until the collector comes.
        """
        if kind not in self._parts:
            self._parts[kind] = kind(self)
        made: P = self._parts[kind]
        return made

    @classmethod
    def of_picture(
        cls, picture: Picture, *, profile: Profile, mode: Mode, roughly: bool = False
    ) -> Analysis:
        """The analysis of a whole picture, scaled to fit 480x640."""
        view = fit_to_frame(picture.pixels, roughly=roughly)
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
        if self._search is not None:
            return self._search
        return choose_backend().search(self.pixels, self._is_all, is_upright=self._is_upright)

    def _is_all(self, boxes: Sequence[Box]) -> bool:
        return is_alone(boxes, self.lab_planes, self.wall)

    def look_first(self) -> None:
        """Look for the main face only: enough to cut a photo out, which is looked at again."""
        self._search = choose_backend().search(self.pixels, lambda _: True)

    @property
    def faces(self) -> tuple[Face, ...]:
        """Every face with its landmarks, the largest first."""
        return self.search.faces

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
        if self.face is None:
            raise LookupError("no face")
        return self.face.eyes[0], self.face.eyes[1]

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
        """uint8 (h, 320, 3) RGB: the face with level eyes at ``PATCH_EYES``, down to the throat."""
        eye_to_chin = float(self.patch_points[8, 1]) - PATCH_EYES[0][1]
        lowest = float(self.patch_points[:, 1].max()) + _BELOW_CHIN * max(0.0, eye_to_chin)
        width, most = PATCH_PX
        return warp(self.pixels, self.to_patch, (width, min(most, max(_PATCH_ROWS, int(lowest)))))

    @cached_property
    def patch_lab(self) -> Lab:
        """float32 (h, 320, 3): CIE Lab of the patch."""
        return to_lab(self.patch)

    @cached_property
    def patch_points(self) -> Points:
        """float64 (68, 2): the landmarks in the patch."""
        return np.asarray(self.points @ self.to_patch[:, :2].T + self.to_patch[:, 2])

    # -- colour and wall --------------------------------------------------------------------

    @cached_property
    def lab_planes(self) -> tuple[Plane, Plane, Plane]:
        """CIE Lab of the view by channel, float32 (h, w) each."""
        return to_lab_planes(self.pixels)

    @property
    def lightness(self) -> Plane:
        """float32 (h, w), L* of the view."""
        return self.lab_planes[0]

    @cached_property
    def wall(self) -> Wall:
        """The keyed wall."""
        return key_wall(self.lab_planes)

    @cached_property
    def hair_top_px(self) -> float | None:
        """First row of hair above the face; ``None`` when it cannot be told from the wall.

        That is so when hair and forehead vanish in the wall, or when it is not plain and there is
        no net that tells a person from it; unless wide hair alone is why, and it is cut off.
        """
        if self.face is None:
            return None
        wall = self.wall.mask if self.wall.is_plain else self._find_unplain_wall()
        if wall is not None:
            return self._find_hair_top(wall)
        is_cut = self._find_hair_top(self.wall.mask) == 0 and ends_in_hair(
            self.lab_planes, self.wall.mask, self.eye_middle, self.eye_to_chin_px
        )
        return 0.0 if is_cut else None

    def _find_hair_top(self, wall: Mask) -> float | None:
        half = self.ied_px / 2
        x = int(self.eye_middle[0])
        columns = slice(max(0, int(x - half)), min(self.width, int(x + half)))
        skull = max(0, int(self.eye_line_px - LOWEST_SKULL * self.eye_to_chin_px))
        share = 1.0 - wall[:skull, columns].mean(axis=1)
        above = share[::-1] > 0.15  # noqa: PLR2004 - definition of the hair top row
        if above.size < GAP_PX:
            return 0.0  # the head is cut off
        if not above[:GAP_PX].any():
            return None
        # upwards from the forehead: a lamp or a shadow at the upper edge is no hair
        run = np.convolve(above, np.ones(GAP_PX, np.intp))[GAP_PX - 1 :][: above.size]
        gaps = np.flatnonzero(run == 0)
        height = int(gaps[0]) if gaps.size else above.size
        return float(skull - 1 - np.flatnonzero(above[:height])[-1])

    def _find_unplain_wall(self) -> Mask | None:
        person = find_person(self.pixels)
        return None if person is None else person < _SURELY_PERSON
