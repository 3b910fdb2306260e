"""The quantities that rules, framing and drawing share; each is computed once, when asked for."""

from collections.abc import Sequence
from functools import cached_property

import cv2
import numpy as np
import numpy.typing as npt

from imagecheck import faces as face_models
from imagecheck.decode import FileFacts, Picture, Rgb
from imagecheck.faces import Box, Face, Points
from imagecheck.profile import Profile
from imagecheck.report import Mode
from imagecheck.wall import Lab, Wall, key_wall

FRAME_PX = (480, 640)
"""Width and height of the standard photo, and the size at which photos are judged."""

EYE_CENTRE_DROP = 0.034
"""The mean of dlib's six lid points lies this share of the eye distance below the pupil
(measured against hand-marked pupils of 98 frontal studio portraits)."""


def fit_to_frame(pixels: Rgb) -> Rgb:
    """Scale the picture, without stretching, until it just fits into 480x640."""
    h, w = pixels.shape[:2]
    factor = min(FRAME_PX[0] / w, FRAME_PX[1] / h)
    if factor == 1.0:
        return pixels
    size = max(1, round(w * factor)), max(1, round(h * factor))
    how = cv2.INTER_AREA if factor < 1.0 else cv2.INTER_CUBIC
    return np.asarray(cv2.resize(pixels, size, interpolation=how), dtype=np.uint8)


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
        boxes: Sequence[Box] | None = None,
        factor: float = 1.0,
    ) -> None:
        """Take a picture at working size.

        Args:
            pixels: uint8 (h, w, 3) RGB, about 480x640.
            facts: what the original file said about itself.
            profile: the limits to judge by.
            mode: ``final`` or ``capture``.
            boxes: faces when they are known already; ``None`` to look for them.
            factor: pixels of the original picture for one pixel of ``pixels``.
        """
        self.pixels = pixels
        self.facts = facts
        self.profile = profile
        self.mode = mode
        self.factor = factor
        self._boxes = boxes

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

    @cached_property
    def boxes(self) -> Sequence[Box]:
        """Detected faces, the largest first; looked for once more at double size if none."""
        if self._boxes is not None:
            return self._boxes
        found = face_models.detect_boxes(self.pixels)
        found = found or face_models.detect_boxes(self.pixels, upsample=1)
        return sorted(found, key=lambda box: -box.area)

    @cached_property
    def face(self) -> Face | None:
        """The largest face with its landmarks; ``None`` when there is no face."""
        if not self.boxes:
            return None
        return face_models.locate_landmarks(self.pixels, self.boxes[0])

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
    def eyes(self) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
        """Pupil estimates (x, y) of the eye on the left and on the right of the picture."""
        left, right = self.points[36:42].mean(axis=0), self.points[42:48].mean(axis=0)
        lift = np.array([0.0, EYE_CENTRE_DROP * float(np.linalg.norm(right - left))])
        return left - lift, right - lift

    @cached_property
    def ied_px(self) -> float:
        """Distance of the eye centres."""
        return float(np.linalg.norm(self.eyes[1] - self.eyes[0]))

    @cached_property
    def eye_line_px(self) -> float:
        """Distance of the eyes' middle to the upper edge."""
        return float((self.eyes[0][1] + self.eyes[1][1]) / 2)

    @cached_property
    def eye_to_chin_px(self) -> float:
        """T: distance of the eyes' middle to the chin (point 8)."""
        return float(np.linalg.norm(self.points[8] - (self.eyes[0] + self.eyes[1]) / 2))

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

    @cached_property
    def lab(self) -> Lab:
        """float32 (h, w, 3), CIE Lab of the view."""
        unit = self.pixels.astype(np.float32) / np.float32(255)
        return np.asarray(cv2.cvtColor(unit, cv2.COLOR_RGB2LAB), dtype=np.float32)

    @cached_property
    def wall(self) -> Wall:
        """The keyed wall."""
        return key_wall(self.lab)

    @cached_property
    def hair_top_px(self) -> float | None:
        """First row of hair above the face; ``None`` when the wall is not plain."""
        if not self.wall.is_plain or self.face is None:
            return None
        half = self.ied_px / 2
        x = int(self.eyes[0][0] + self.eyes[1][0]) // 2
        columns = slice(max(0, int(x - half)), min(self.width, int(x + half)))
        share = 1.0 - self.wall.mask[:, columns].mean(axis=1)
        rows = np.flatnonzero(share > 0.15)  # noqa: PLR2004 - definition of the hair top row
        return float(rows[0]) if rows.size else None
