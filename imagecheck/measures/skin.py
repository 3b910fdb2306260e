"""The person's own skin: its colour on the cheeks is what light and cover are judged against."""

from __future__ import annotations

from functools import cached_property

import cv2
import numpy as np
import numpy.typing as npt

from imagecheck.analysis import PATCH_IED, Analysis
from imagecheck.faces import Points
from imagecheck.ranks import (
    find_median,
    find_median_colour,
    find_percentile,
    find_reach,
    pick_colours,
)
from imagecheck.wall import Lab, Mask

Floats = npt.NDArray[np.float32]

_CHEEK_HALF_PX = 9
_HIGHLIGHT_LEVEL = 240
_CLIPPED_LEVEL = 253
_SHADE, _SHINE = 0.58, 1.75
_MIDDLE = (slice(150, 330), slice(60, 260))
_EYES_BAND = slice(75, 245), slice(150, 205)
"""Columns and rows of both eyes and the brows."""
_ONE_TINT = 1.0
_LEAST_RED = 0.3
_PALER_A = 4.0
"""Skin of one person keeps its a* within this, blond hair lacks about nine."""


def fill(shape: tuple[int, int], corners: Points) -> Mask:
    """Bool (h, w): the inside of a polygon."""
    mask = np.zeros(shape, np.uint8)
    cv2.fillPoly(mask, [np.round(corners * 16).astype(np.int32)], (1,), shift=4)
    return np.asarray(mask, np.bool_)


def _to_linear_light(lightness: Floats) -> Floats:
    """Relative luminance 0-1 of CIE L* (cube law; exact above L* 8)."""
    return np.asarray(((lightness + 16) / 116) ** 3, np.float32)


class Skin:
    """Skin and face area in the levelled patch."""

    def __init__(self, analysis: Analysis) -> None:
        """Take an analysis with a face."""
        self.patch = analysis.patch
        self.lab: Lab = analysis.patch_lab
        self.points = analysis.patch_points

    @cached_property
    def cheeks(self) -> tuple[Floats, Floats]:
        """float32 (n, 3) twice: Lab of a square on the left and on the right cheek."""
        return self._cheek(41, 48, 3), self._cheek(46, 54, 13)

    def _cheek(self, lid: int, mouth: int, jaw: int) -> Floats:
        x = int(self.points[[lid, mouth, jaw], 0].mean())
        y = int(0.45 * self.points[lid, 1] + 0.55 * self.points[mouth, 1])
        k, (h, w) = _CHEEK_HALF_PX, self.lab.shape[:2]
        x, y = min(max(k, x), w - k - 1), min(max(k, y), h - k - 1)
        return np.asarray(self.lab[y - k : y + k + 1, x - k : x + k + 1].reshape(-1, 3))

    @cached_property
    def colour(self) -> Floats:
        """float32 (3,): median Lab of both cheeks."""
        return find_median_colour(np.concatenate(self.cheeks))

    @property
    def lightness(self) -> float:
        """L* of the cheeks, at least 20 so that ratios stay sane on very dark pictures."""
        return max(20.0, float(self.colour[0]))

    @property
    def chroma(self) -> float:
        """Chroma of the cheeks, at least 4."""
        return max(4.0, float(np.hypot(self.colour[1], self.colour[2])))

    @cached_property
    def area(self) -> Mask:
        """Bool, of the patch: the face from the jaw to a little above the brows."""
        brow = np.array(
            [
                [self.points[26, 0], self.points[24, 1] - 0.42 * PATCH_IED],
                [self.points[17, 0], self.points[19, 1] - 0.42 * PATCH_IED],
            ]
        )
        return fill(self.lab.shape[:2], np.concatenate([self.points[:17], brow]))

    @cached_property
    def face_lab(self) -> Floats:
        """float32 (n, 3): Lab of the face area, of every second row."""
        return pick_colours(self.lab[::2], self.area[::2])

    # -- which pixels are skin; of a window, float32 (h, w, 3): the whole patch is asked by nobody

    def _shade_in(self, window: Lab) -> tuple[Floats, Floats]:
        """L* over the skin's, float32 (h, w), and the same where it only scales a colour."""
        light = window[..., 0] / max(float(self.colour[0]), 12.0)
        return light, np.maximum(np.minimum(light, 1.1), 0.5)

    def is_like(self, window: Lab) -> Mask:
        """Bool (h, w): pixels that may be this person's skin, in light or shade."""
        light, shade = self._shade_in(window)
        away_a = window[..., 1] - self.colour[1] * shade
        away_b = window[..., 2] - self.colour[2] * shade
        reach = 11 + 0.12 * float(np.hypot(self.colour[1], self.colour[2]))
        is_near = away_a * away_a + away_b * away_b < reach**2
        return np.asarray((light > _SHADE) & (light < _SHINE) & is_near)

    def is_ruddy(self, window: Lab) -> Mask:
        """Bool (h, w): pixels about as red as this person's skin, in light or shade."""
        _, shade = self._shade_in(window)
        return np.asarray(window[..., 1] > self.colour[1] * shade - _PALER_A)

    def has_blood(self, window: Lab) -> Mask:
        """Bool (h, w): pixels with some of this skin's red, as pale foreheads have.

        Grey wool has none. True everywhere where a cast has taken the red from the skin, too.
        """
        red = float(self.colour[1])
        if red < _PALER_A:
            return np.ones(window.shape[:2], np.bool_)
        _, shade = self._shade_in(window)
        return np.asarray(window[..., 1] > _LEAST_RED * red * shade)

    def relief_of_eyes(self) -> float:
        """How much darker than the lightest the darkest of eyes and brows is, over the skin's L*.

        Of 269 compliant photos and 240 portraits the flattest has 0.39, strong blur leaves 0.5.
        """
        x, y = _EYES_BAND
        return self._relief(x, y)

    def relief_of_mouth(self) -> float:
        """The same of nose and mouth: from 0.21 on these pictures."""
        (left, _), (right, _) = self.points[48] - 5, self.points[54] + 5
        top, bottom = self.points[33, 1], self.points[57, 1] + 10
        return self._relief(slice(int(left), int(right)), slice(int(top), int(bottom)))

    def _relief(self, columns: slice, rows: slice) -> float:
        if min(columns.start, rows.start) < 0:
            return 1.0
        part = np.ascontiguousarray(self.lab[rows, columns, 0])
        if part.size == 0:
            return 1.0
        soft = np.asarray(cv2.GaussianBlur(part, (0, 0), 2), np.float32)
        return find_reach(soft, 2) / max(15.0, float(self.colour[0]))

    # -- light ------------------------------------------------------------------------------

    def cheek_ratio(self) -> float:
        """Luminance of the darker cheek over the lighter one."""
        left, right = (find_median(_to_linear_light(c[:, 0])) for c in self.cheeks)
        return min(left, right) / max(left, right, 1e-6)

    def brightest(self) -> float:
        """98th percentile of L* on the face: highlights show the exposure on any skin."""
        return find_percentile(self.face_lab[:, 0], 98)

    @cached_property
    def middle_brightest(self) -> float:
        """98th percentile of L* from the eyes to the mouth, where even very dark skin shines."""
        return find_percentile(self.lab[_MIDDLE][..., 0], 98)

    @cached_property
    def _channels(self) -> tuple[cv2.typing.MatLike, ...]:
        """Red, green and blue of the patch, uint8 each."""
        return tuple(cv2.split(self.patch))

    @cached_property
    def _is_clipped(self) -> Mask:
        """Bool, of the patch: pixels where a channel has reached its end."""
        red, green, blue = self._channels
        return np.asarray(cv2.max(red, cv2.max(green, blue))) >= _CLIPPED_LEVEL

    @cached_property
    def clipped_share(self) -> float:
        """Share of the face where a channel has reached its end."""
        return _measure_share(self._is_clipped, self.area)

    @cached_property
    def upper_clipped_share(self) -> float:
        """The same above the tip of the nose, where no mask can be."""
        rows = slice(0, max(1, int(self.points[30, 1])))
        return _measure_share(self._is_clipped[rows], self.area[rows])

    def highlight_share(self) -> float:
        """Share of the face under white glare, specks removed."""
        red, green, blue = self._channels
        lowest = np.asarray(cv2.min(red, cv2.min(green, blue)))
        white = (lowest >= _HIGHLIGHT_LEVEL) & self.area
        if not white.any():
            return 0.0
        blobs = cv2.morphologyEx(white.view(np.uint8), cv2.MORPH_OPEN, np.ones((3, 3), np.uint8))
        return _measure_share(np.asarray(blobs) > 0, self.area)

    # -- colour -----------------------------------------------------------------------------

    @cached_property
    def hue_variety(self) -> float:
        """Spread of (a*, b*) across its main direction; a photo in one tint has none."""
        colours = self.face_lab[::4, 1:]
        a, b = (colours - find_median_colour(colours)).T.astype(np.float64)
        aa, ab, bb = (float(np.dot(*pair)) for pair in ((a, a), (a, b), (b, b)))
        least = (aa + bb) / 2 - np.hypot((aa - bb) / 2, ab)  # the smaller eigenvalue
        return float(np.sqrt(max(least, 0.0) / len(colours)))

    @property
    def is_in_one_tint(self) -> bool:
        """Whether the photo is grey or toned, so that no colour in it tells anything."""
        return self.hue_variety < _ONE_TINT


def is_burnt_out(analysis: Analysis) -> bool:
    """Whether the skin is so bright that lips and the line between them are lost in it."""
    _, most = analysis.profile.limit("light.bright").fail
    if most is None:
        return False
    skin = analysis.part(Skin)
    return min(skin.clipped_share, skin.upper_clipped_share) > most


def _measure_share(part: Mask, whole: Mask) -> float:
    """Share of the whole that belongs to the part as well; 0 of nothing."""
    return float(np.count_nonzero(part & whole)) / max(1.0, float(np.count_nonzero(whole)))
