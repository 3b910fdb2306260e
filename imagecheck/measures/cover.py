"""What hides the lower half of the face: masks, hands, phones and scarves.

A mask or a phone leaves neither lips nor the line between them.
"""

from __future__ import annotations

import cv2
import numpy as np
import numpy.typing as npt

from imagecheck.analysis import PATCH_EYES, PATCH_IED, Analysis
from imagecheck.faces import Points
from imagecheck.measures.eyes import Eyes
from imagecheck.measures.skin import Skin, fill
from imagecheck.ranks import find_median, find_median_colour, pick_colours
from imagecheck.wall import Lab

Colours = npt.NDArray[np.float32]

_LINE_SEEN, _LIPS_SEEN = 0.09, 3.5
"""Of 240 portraits the faintest line between lips is 0.08, and the palest lips differ by 2.3 from
what is around them, never both on one face; painted masks have at most 0.07 and 3.2."""
_FAINT_LINE, _FAINT_LIPS, _DOUBTFUL = 0.175, 6.0, 0.95
"""13 of 14 hands drawn across the mouth show no more than both, three of 240 portraits (teeth, soft
focus): that only asks for a look."""
_SHADED_L = 45.0
"""On darker skin lips and their line are faint on bare faces, too: there faintness says nothing."""
_CHIN_DELTA_AB = 30.0
"""Scarves drawn over the chin begin at 34; beards reach 25 on 240 portraits, bare chins 13."""
_CLOTH_DELTA_AB = 40.0
"""The lower face of 534 bare faces is within 36 of the forehead in (a*, b*)."""
_PALE_CLOTH_DELTA_AB, _PALE_CLOTH_DELTA_L = 10.5, 24.0
"""Pleats of a mask are a line, too, but have no lips: of 433 bare faces nine show so few of them,
and beside their mouths none is further than 8.4 from the skin under the eyes, or 16 lighter."""
_NO_LIPS = 1.3
"""The palest lips of those faces have 1.6."""
_CHEEK_PX = 5
_LIPS_REACH_PX = 24
"""What is asked about the mouth lies so near the lips, the blur's own reach included."""
_NOSE_ROOT = 0.05
"""Below the line of the eyes, in eye distances: masks end lower, hats higher."""


class Cover:
    """Signs of a covered mouth in the levelled patch."""

    def __init__(self, analysis: Analysis) -> None:
        """Take an analysis with a face."""
        self.points = analysis.patch_points
        self.lab = analysis.patch_lab
        self._rows, self._columns = _find_mouth(self.points)
        self._soft = _soften(self.lab[self._rows, self._columns])
        self.skin, self._eyes = analysis.part(Skin), analysis.part(Eyes)

    def mouth_line(self) -> float:
        """How much darker the darkest row between the corners is than the rest, over the mean."""
        left, top = self._columns.start, self._rows.start
        x0, x1 = int(self.points[48, 0]) + 6 - left, int(self.points[54, 0]) - 5 - left
        y = int(self.points[62, 1]) - top
        box = self._soft[max(0, y - 16) : y + 17, max(0, x0) : max(1, x1), 0]
        if box.size == 0:
            return 1.0
        rows = box.mean(axis=1)
        return (find_median(rows) - float(rows.min())) / max(float(rows.mean()), 10.0)

    def lip_contrast(self) -> float:
        """CIE76 between the lips and what is around them."""
        if not self._soft.size:
            return 100.0
        corner = self._columns.start, self._rows.start
        lips = fill(self._soft.shape[:2], self.points[48:60] - corner).view(np.uint8)
        wide = cv2.dilate(lips, np.ones((17, 17), np.uint8))
        ring = (wide > 0) & (cv2.dilate(lips, np.ones((5, 5), np.uint8)) == 0)
        if not lips.any() or not ring.any():
            return 100.0
        inside, around = pick_colours(self._soft, lips > 0), pick_colours(self._soft, ring)
        return float(np.linalg.norm(find_median_colour(inside) - find_median_colour(around)))

    def cloth_colour(self) -> float:
        """Distance in (a*, b*) of the skin beside the mouth from that above it.

        From the forehead or the root of the nose, whichever is nearer: a hat covers the one, a rim
        of glasses the other.
        """
        upper = (self._middle(-0.65, 8, 15), self._middle(_NOSE_ROOT, 3, 5))
        return min(float(np.hypot(*self._away_beside_mouth(skin)[1:])) for skin in upper)

    def pale_cloth(self) -> float:
        """1 and more where it is of another colour than the skin under the eyes, or lighter.

        A headscarf leaves that skin free.
        """
        windows = (eye.window(-0.2, 0.13, 0.2, 0.30) for eye in self._eyes.both)
        lighter, a, b = self._away_beside_mouth(np.concatenate([w.reshape(-1, 3) for w in windows]))
        return max(float(np.hypot(a, b)) / _PALE_CLOTH_DELTA_AB, lighter / _PALE_CLOTH_DELTA_L)

    def _away_beside_mouth(self, skin: Colours) -> tuple[float, float, float]:
        """What is beside the mouth less other skin, in L*, a* and b*."""
        lower = np.concatenate([self._beside(48, 4), self._beside(54, 12)])
        if not len(lower) or not len(skin):
            return 0.0, 0.0, 0.0
        light, a, b = find_median_colour(lower) - find_median_colour(skin)
        return float(light), float(a), float(b)

    def _middle(self, below: float, half_height: int, half_width: int) -> Colours:
        """float32 (n, 3): Lab on the axis of the face, so many eye distances below the eyes."""
        x = int((PATCH_EYES[0][0] + PATCH_EYES[1][0]) / 2)
        y = int(PATCH_EYES[0][1] + below * PATCH_IED)
        box = self.lab[y - half_height : y + half_height, x - half_width : x + half_width]
        return np.asarray(box.reshape(-1, 3), np.float32)

    def _beside(self, corner: int, jaw: int) -> Colours:
        """float32 (n, 3): Lab of a square between a corner of the mouth and the jaw, above it."""
        x = int(0.6 * self.points[corner, 0] + 0.4 * self.points[jaw, 0])
        y = int((self.points[corner, 1] + self.points[33, 1]) / 2)
        box = self.lab[max(0, y - _CHEEK_PX) : y + 6, max(0, x - _CHEEK_PX) : x + 6]
        return np.asarray(box.reshape(-1, 3), np.float32)

    def chin_colour(self) -> float:
        """Distance in (a*, b*) of the chin from the cheeks: a scarf may leave the lips free."""
        x, top = (int(v) for v in self.points[57])
        rows = slice(max(0, top + 6), max(0, int(self.points[8, 1]) - 4))
        chin = self.lab[rows, max(0, x - 12) : max(0, x + 13)].reshape(-1, 3)
        if not len(chin):
            return 0.0
        return float(np.hypot(*(find_median_colour(chin) - self.skin.colour)[1:]))

    def strength(self) -> float:
        """1 and more when the mouth is covered: no lips and no line, or cloth's colour, or pleats.

        A little less where mouth or chin only look as if: fingers leave lines of their own.
        """
        line, lips = self.mouth_line(), self.lip_contrast()
        seen = max(line / _LINE_SEEN, lips / _LIPS_SEEN)
        sure = max(1 / max(seen, 0.1), self.cloth_colour() / _CLOTH_DELTA_AB)
        is_light = float(self.skin.colour[0]) > _SHADED_L
        if is_light and lips < _FAINT_LIPS:
            sure = max(sure, min(_LIPS_SEEN / max(lips, 0.1), self.pale_cloth()))
        is_faint = line < _FAINT_LINE and lips < _FAINT_LIPS
        is_faint |= lips < _NO_LIPS and not self.skin.is_in_one_tint
        if (is_light and is_faint) or self.chin_colour() > _CHIN_DELTA_AB:
            return max(sure, _DOUBTFUL)
        return sure


def _find_mouth(points: Points) -> tuple[slice, slice]:
    """Rows and columns of the patch in which the mouth and its surroundings lie."""
    left, top = (max(0, int(v)) for v in points[48:60].min(axis=0) - _LIPS_REACH_PX)
    right, bottom = (int(v) for v in points[48:60].max(axis=0) + _LIPS_REACH_PX)
    return slice(top, max(top + 1, bottom)), slice(left, max(left + 1, right))


def _soften(lab: Lab) -> Lab:
    """The window, blurred by a pixel."""
    if not lab.size:
        return lab
    return np.asarray(cv2.GaussianBlur(np.ascontiguousarray(lab), (0, 0), 1), np.float32)
