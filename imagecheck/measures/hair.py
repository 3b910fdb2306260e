"""Hair and head cover around the face."""

from __future__ import annotations

from functools import cached_property
from itertools import combinations

import cv2
import numpy as np
import numpy.typing as npt

from imagecheck.analysis import PATCH_EYES, PATCH_IED, Analysis
from imagecheck.faces import Points
from imagecheck.measures.eyes import Eyes
from imagecheck.measures.skin import Skin, fill
from imagecheck.ranks import (
    find_median,
    find_median_colour,
    find_share,
    pick_colours,
    split_colours,
    whole_colours,
)
from imagecheck.wall import Lab, Mask, square_distance

Floats = npt.NDArray[np.float32]
_CENTRE_X = int((PATCH_EYES[0][0] + PATCH_EYES[1][0]) / 2)
_BROWS = (slice(17, 22), slice(22, 27))
_YELLOWER_DEG = 12.0
"""By so much is the hue of fair hair yellower than the same person's cheeks, at least; of 57
compliant photos of 20 people no side of a face has half an ear that does. Of 157 portraits with
free ears two more ask for a look because of it, of 76 with hair over them three more."""
_HAIR_SHARE_OF_SKIN, _HAIR_WEIGHT = 0.45, 0.1
"""Hair beside the face is darker than that share of the skin's L*. On 240 portraits it parts
covered ears from free ones better than skin does (AUC .90 and .84), but with more weight ears that
are half seen ask, too."""
_SIDES_ALIKE = 12.0
_BESIDE_NOSE, _ON_CHIN = (0.10, 0.30, 0.22, 0.50), (0.12, 1.0, 0.30, 1.2)
"""Where a lock before an eye hardly reaches. Of 240 portraits, many in hard light, 22 differ by 16
below the eyes, three by so much more than there."""
_FOREHEAD_HALF_PX = 52
_FOREHEAD_RIM_PX = 8
"""What lies further outside does not reach the forehead by closing and opening its mask."""
_MIN_REGION_PX = 2000
"""Of the 2816 above the forehead: a hat fills them, the shine on a bald skull does not."""
_WALL_DELTA_E = 15.0
_NEAR_WALL = np.ones((9, 9), np.uint8)
_HEM_BOW_PX = 10
_HEM_BOWS_PX = np.arange(-_HEM_BOW_PX, _HEM_BOW_PX + 1, 5)
_HEM_HALF_PX = 58
_HEM_X = np.arange(_CENTRE_X - _HEM_HALF_PX, _CENTRE_X + _HEM_HALF_PX + 1)
_HEM_SAG = np.floor(
    _HEM_BOWS_PX[:, None, None] * ((_HEM_X - _CENTRE_X) / _HEM_HALF_PX) ** 2
).astype(np.intp)
"""Rows by which each bow lies lower than its middle, (5, 1, 117)."""
_HEM_FIFTHS = np.linspace(0, _HEM_X.size, 6).round().astype(np.intp)
"""Where the fifths of a hem begin and end."""
UNLIKE = 100.0
"""Stands in where not all the places are seen that a scarf would cover."""
NO_TEXTURE_SEEN = 5.0
"""Stands in where nothing but skin and wall is above the forehead; hair has about as much."""
_BESIDE_JAW_PX, _MOUTH_HALF_PX = (16, 34), 12
_UNDER_CHIN, _THROAT_HALF_PX = (0.10, 0.22), 10
_FOREHEAD_ROWS_PX, _BROWS_HALF_PX = (20, 40), 40
"""Where cloth is that is wound round a head: beside the jaw at the height of the mouth, on the
throat (in eye-to-chin distances below the chin), and above the brows."""
_WELL_LIT_L = 60.0
"""Colours come closer in the dark: L* that the brightest skin has otherwise."""
_FOLD_WEIGHTS = np.array([0.5, 1.0, 1.0], np.float32)
"""Folds and shade change the lightness of cloth, not its colour."""
_SHINE_SHARES = np.linspace(0.4, 1.3, 10, dtype=np.float32)
_SHINE_DELTA_AB, _SHINE_LEAST_A = 6.0, 4.0
_BLACK_L = 12.0
"""So dark a picture element has no colour that tells anything."""
_HAIR_B_MIN, _HAIR_B_MAX, _HAIR_A_MAX, _HAIR_A_MIN, _HAIR_L_MAX = -8.0, 33.0, 16.0, -6.0, 80.0


class Hair:
    """Measures in the levelled patch."""

    def __init__(self, analysis: Analysis) -> None:
        """Take an analysis with a face."""
        self.wall, self.to_patch = analysis.wall, analysis.to_patch
        self.lab = analysis.patch_lab
        self.points: Points = analysis.patch_points
        self.skin = analysis.part(Skin)
        self.eyes = analysis.part(Eyes)

    def above_brows(self) -> float:
        """Share without skin in a band just above the brow, of the more covered side."""
        return max(self._brow_cover(self.points[brow]) for brow in _BROWS)

    def _brow_cover(self, brow: Points) -> float:
        upper, lower = brow - (0, 0.24 * PATCH_IED), brow - (0, 0.12 * PATCH_IED)
        corners = np.concatenate([upper, lower[::-1]])
        left, top = (max(0, int(v)) for v in corners.min(axis=0))
        right, bottom = (max(0, int(v) + 2) for v in corners.max(axis=0))
        window = self.lab[top:bottom, left:right]
        if not window.size:
            return 0.0
        band = fill(window.shape[:2], corners - (left, top))
        return 1 - find_share(self.skin.is_like(window)[band]) if band.any() else 0.0

    def under_eyes(self) -> float:
        """Dark share below the eye, of the more covered side: a lock of hair hangs over it."""
        dark = 0.55 * self.skin.lightness
        windows = [eye.window(-0.2, 0.13, 0.2, 0.30)[..., 0] for eye in self.eyes.both]
        return max(find_share(w < dark) for w in windows)

    def side_difference(self) -> float:
        """CIE76 between the skin below both eyes: both sides of a face are alike, a lock is not.

        Finds fair hair, which is no darker than skin. Compliant people reach 5, locks begin at 23.
        What light from the side explains does not count: it parts nose and chin in the same way.
        """
        windows = [eye.window(-0.2, 0.13, 0.2, 0.30) for eye in self.eyes.both]
        if min(window.size for window in windows) == 0:
            return 0.0
        away = _differ(*windows)
        difference = float(np.linalg.norm(away))
        if difference < _SIDES_ALIKE:
            return difference
        lit = (_differ(*self._both_sides(*place)) for place in (_BESIDE_NOSE, _ON_CHIN))
        return min(difference, *(float(np.linalg.norm(away - by_light)) for by_light in lit))

    def _both_sides(self, near: float, top: float, far: float, bottom: float) -> tuple[Lab, Lab]:
        """Lab at the left and the right of the face's middle, offsets in eye distances."""
        y = PATCH_EYES[0][1]
        rows = slice(int(y + top * PATCH_IED), int(y + bottom * PATCH_IED))
        inner, outer = int(near * PATCH_IED), int(far * PATCH_IED)
        left = self.lab[rows, _CENTRE_X - outer : _CENTRE_X - inner]
        return left, self.lab[rows, _CENTRE_X + inner : _CENTRE_X + outer]

    def over_lids(self) -> float:
        """Dark share between brow and upper lid, of the less covered side: a long fringe."""
        return min(
            self._lid_cover(self.points[brow], eye.centre)
            for brow, eye in zip(_BROWS, self.eyes.both, strict=True)
        )

    def _lid_cover(self, brow: Points, centre: tuple[float, float]) -> float:
        y0 = int((brow[1:4, 1].mean() + centre[1]) / 2 - 1)
        y1 = max(y0 + 2, int(centre[1] - 0.10 * PATCH_IED) + 1)
        x0, x1 = int(centre[0] - 0.24 * PATCH_IED), int(centre[0] + 0.24 * PATCH_IED)
        window = self.lab[max(0, y0) : y1, max(0, x0) : x1, 0]
        return find_share(window < 0.5 * self.skin.lightness)

    def ear_skin(self) -> float:
        """Mean share of skin beside the jaw between eyes and nose base, less some of the dark one.

        Ears are there, or dark hair before them that leaves some cheek. Fair hair is told from
        skin by its lack of red; a side where most of what is left is yellower than the cheeks
        shows hair and no ear.
        """
        top, bottom = int(PATCH_EYES[0][1] - 2), int(self.points[33, 1] + 2)
        left = float(self.points[[0, 1], 0].min())
        right = float(self.points[[15, 16], 0].max())
        near, far = 0.03 * PATCH_IED, 0.20 * PATCH_IED
        rows = slice(top, max(top + 1, bottom))
        sides = (
            (rows, slice(max(0, int(left - far)), max(1, int(left - near)))),
            (rows, slice(int(right + near), int(right + far))),
        )
        return float(np.mean([self._ear_share(*side) for side in sides]))

    def _ear_share(self, rows: slice, columns: slice) -> float:
        window = self.lab[rows, columns]
        is_dark = window[..., 0] < _HAIR_SHARE_OF_SKIN * self.skin.lightness
        hair = _HAIR_WEIGHT * find_share(is_dark)
        like = self.skin.is_like(window) & self.skin.is_ruddy(window)
        if not like.any():
            return -hair
        a, b = (cv2.GaussianBlur(np.ascontiguousarray(window[..., c]), (0, 0), 1.5) for c in (1, 2))
        away = _find_hue(a[like], b[like]) - _find_hue(*self.skin.colour[1:])
        is_fair_hair = find_share(away > _YELLOWER_DEG) > 0.5  # noqa: PLR2004 - most of it
        return (0.0 if is_fair_hair else find_share(like)) - hair

    # -- what is above the forehead ---------------------------------------------------------

    @cached_property
    def hairline(self) -> float:
        """Height of the forehead above the brows, in eye distances: median over its columns."""
        kernel, bottom, rim = np.ones((5, 5), np.uint8), self._brow_top, _FOREHEAD_RIM_PX
        half = _FOREHEAD_HALF_PX
        window = self.lab[: bottom + rim, _CENTRE_X - half - rim : _CENTRE_X + half + rim + 1]
        skin = self.skin.is_like(window) & self.skin.has_blood(window)
        closed = cv2.morphologyEx(skin.view(np.uint8), cv2.MORPH_CLOSE, kernel)
        mask = np.asarray(cv2.morphologyEx(closed, cv2.MORPH_OPEN, kernel))
        columns = mask[:bottom, rim : rim + 2 * half + 1 : 4][::-1] == 0
        heights = np.where(columns.any(axis=0), columns.argmax(axis=0), bottom)
        return find_median(heights) / PATCH_IED

    @property
    def _brow_top(self) -> int:
        return max(12, int(min(self.points[19, 1], self.points[24, 1]) - 0.12 * PATCH_IED))

    @cached_property
    def _above(self) -> tuple[Floats, Mask]:
        """Lab just above the forehead, and which of its pixels are not wall."""
        bottom = int(self._brow_top - self.hairline * PATCH_IED)
        rows = slice(max(0, bottom - 40), max(1, bottom - 8))
        columns = slice(_CENTRE_X - 44, _CENTRE_X + 44)
        region = self.lab[rows, columns]
        # a bald head leaves rims of wall that the key has missed
        walls = square_distance(region, self.wall.colour) < _WALL_DELTA_E**2
        return region, np.asarray(~self._find_wall_near(rows, columns) & ~walls)

    def _find_wall_near(self, rows: slice, columns: slice) -> Mask:
        """Bool, of that part of the patch: pixels at most four away from the wall."""
        top, left = max(0, rows.start - 4), columns.start - 4
        size = columns.stop + 4 - left, rows.stop + 4 - top
        wide = cv2.warpAffine(
            self.wall.mask.view(np.uint8),
            self.to_patch - np.array([[0, 0, left], [0, 0, top]]),
            size,
            flags=cv2.INTER_NEAREST,
            borderMode=cv2.BORDER_REPLICATE,
        )
        near = np.asarray(cv2.dilate(wide, _NEAR_WALL)) > 0
        return np.asarray(near[rows.start - top : rows.stop - top, 4:-4])

    @cached_property
    def _colour_above(self) -> Floats | None:
        """float32 (3,): median Lab above the forehead.

        ``None`` when nothing but wall or skin is there: the shine of a high forehead looks like
        no hair at all, and like no cloth either, for it keeps some of the skin's red.
        """
        region, there = self._above
        if int(there.sum()) < _MIN_REGION_PX:
            return None
        above = find_median_colour(pick_colours(region, there))
        skin = self.skin.colour
        faded = _SHINE_SHARES[:, None] * skin[1:]
        is_near = np.linalg.norm(above[1:] - faded, axis=1).min() < _SHINE_DELTA_AB
        is_red = above[1] > max(_SHINE_LEAST_A, 0.3 * float(skin[1]))
        if is_near and is_red and above[0] > 0.7 * skin[0]:
            return None
        return above

    def cover_colour(self) -> float:
        """How far the colour above the forehead lies outside the family of hair colours."""
        if self._colour_above is None or self._colour_above[0] < _BLACK_L:
            return 0.0
        lightness, a, b = (float(v) for v in self._colour_above)
        excess = (_HAIR_B_MIN - b, b - _HAIR_B_MAX, a - _HAIR_A_MAX, _HAIR_A_MIN - a)
        return max(0.0, *excess, lightness - _HAIR_L_MAX)

    def cover_texture(self) -> float:
        """Fine texture above the forehead over its lightness: hair has strands, felt has none."""
        if self._colour_above is None:
            return NO_TEXTURE_SEEN
        region, there = self._above
        lightness = np.ascontiguousarray(region[..., 0])
        detail = lightness - cv2.GaussianBlur(lightness, (0, 0), 3)
        return float(detail[there].std() / max(float(lightness[there].mean()), 8.0) * 30)

    def wound_cloth(self) -> float:
        """How much what is beside both jaws, on the throat and on the forehead differs, in Lab.

        The largest difference of two of the four, lightness by half, as if it were well lit: a
        headscarf is one cloth all round, bare heads show skin, hair and wall there. Nothing is
        told without colours, or where one of them is the wall's.
        """
        parts = self._find_wound()
        if not all(part.size for part in parts) or self.skin.is_in_one_tint:
            return UNLIKE
        colours = []
        for part in parts:
            colours.append(find_median_colour(part))
            if np.linalg.norm(colours[-1] - self.wall.colour) < _WALL_DELTA_E:
                return UNLIKE
        most = max(
            float(np.linalg.norm((one - other) * _FOLD_WEIGHTS))
            for one, other in combinations(colours, 2)
        )
        return most * max(1.0, _WELL_LIT_L / max(1.0, self.skin.middle_brightest))

    def _find_wound(self) -> tuple[Lab, Lab, Lab, Lab]:
        """Lab beside the jaw at the left and right of the picture, on the throat, the forehead."""
        near, far = _BESIDE_JAW_PX
        mouth, chin = int(self.points[[48, 54], 1].mean()), float(self.points[8, 1])
        left, right = int(self.points[3:6, 0].min()), int(self.points[11:14, 0].max())
        t = chin - PATCH_EYES[0][1]
        throat = slice(*(max(0, int(chin + share * t)) for share in _UNDER_CHIN))
        low, high = (max(0, self._brow_top - away) for away in _FOREHEAD_ROWS_PX)
        beside = slice(max(0, mouth - _MOUTH_HALF_PX), max(0, mouth + _MOUTH_HALF_PX + 1))
        return (
            self.lab[beside, max(0, left - far) : max(0, left - near)],
            self.lab[beside, max(0, right + near) : max(0, right + far)],
            self.lab[throat, _CENTRE_X - _THROAT_HALF_PX : _CENTRE_X + _THROAT_HALF_PX + 1],
            self.lab[high:low, _CENTRE_X - _BROWS_HALF_PX : _CENTRE_X + _BROWS_HALF_PX],
        )

    def hem(self) -> float:
        """Strength of a straight or evenly bowed edge across the whole forehead, in Lab units.

        The weakest fifth of the edge counts: a hat's hem is strong all along, a hairline is not.
        """
        lowest = int(self.points[17:27, 1].min()) - 2
        rows = np.arange(max(12, lowest - 60), max(13, lowest - 1))
        first = int(rows[0]) - _HEM_BOW_PX
        forehead = self.lab[max(0, first - 4) : int(rows[-1]) + _HEM_BOW_PX + 9]
        soft = cv2.GaussianBlur(forehead[:, _HEM_X[0] - 4 : _HEM_X[-1] + 5], (0, 0), 0.8)[:, 4:-4]
        steps = soft[4:] - soft[:-4]
        lines = rows[:, None] - max(0, first - 4) + _HEM_SAG
        if lines[0, 0].min() < 0 or lines[-1, -1].max() >= len(steps):  # the patch ends there
            lines = np.clip(lines, 0, len(steps) - 1)
        places = lines * _HEM_X.size + np.arange(_HEM_X.size)
        edges = split_colours(whole_colours(steps).take(places))
        return _weakest_fifth(edges.reshape(-1, _HEM_X.size, 3))


def _differ(one: Lab, other: Lab) -> Floats:
    """Lab of the one window less that of the other, medians, float32 (3,)."""
    first, second = (find_median_colour(window.reshape(-1, 3)) for window in (one, other))
    return np.asarray(first - second, np.float32)


def _find_hue(a: npt.ArrayLike, b: npt.ArrayLike) -> Floats:
    """Degrees from red towards yellow of a* and b*."""
    return np.asarray(np.degrees(np.arctan2(b, np.maximum(a, 0.1))))


def _weakest_fifth(lines: Floats) -> float:
    """Best over lines of the weakest of five parts; ``lines`` is float32 (rows, columns, 3)."""
    sums = np.add.reduceat(lines, _HEM_FIFTHS[:-1], axis=1)
    parts = sums / np.diff(_HEM_FIFTHS).astype(np.float32)[:, None]
    mean = parts.mean(axis=1)
    norm = np.linalg.norm(mean, axis=1)
    along = (parts @ (mean / np.maximum(norm, 1e-6)[:, None])[:, :, None])[..., 0]
    weakest = np.where(norm < 4, 0.0, along.min(axis=1))  # noqa: PLR2004 - no edge at all
    return float(weakest.max()) if weakest.size else 0.0
