"""The eyes: open or closed, where they look, and whether the flash shines back red."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache, cached_property

import cv2
import numpy as np
import numpy.typing as npt

from imagecheck.analysis import PATCH_EYES, PATCH_IED, Analysis
from imagecheck.faces import Points
from imagecheck.measures.skin import Skin, fill
from imagecheck.ranks import find_median, find_median_colour, find_percentile, find_share
from imagecheck.wall import Lab

Floats = npt.NDArray[np.float32]

IRIS_RADIUS = 0.2
"""Radius of the iris in widths of the eye."""
_MIN_IRIS_PX = 5.0
_COLOUR_WEIGHT, _PUPIL_WEIGHT, _LASHES_WEIGHT = 0.3, 0.3, 0.5
_HIGHLIGHT_SHARE = 0.75
_PUPIL_RADII_PX = (3.2, 4.2)
_NO_CHROMA = 2.5
_LIKE_EYES, _WINK_WEIGHT = 0.8, 0.5
"""The weaker of two open eyes has at least 0.84 of the other's openness on all tuning people, the
closed one of a wink about half of it."""
_USUAL_COLOUR_CONTRAST = 0.7
_DISC_PX = 7
"""Four fifths of the radius of an iris in the patch: 11.7 of 63 mm between the pupils."""
_DISC = np.asarray(cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * _DISC_PX + 1,) * 2), np.bool_)

CLOSED_OPENNESS, CLOSED_DISC_LIGHT = 0.30, 0.50
"""Image evidence for a closed eye: neither iris, pupil nor white are seen, and skin is where the
iris should be. Of 236 open-eyed portraits eight show both: lenses, squints, poor focus."""
CLOSED_BLINK, CLOSED_LID_RATIO = 0.41, 0.13
"""Lids that touch: the learned sign of the worse eye (open eyes of the same portraits reach 0.405)
and height over width of its lids (open eyes begin at 0.137)."""
WINK_RATIO, WINK_DIFFERENCE = 0.22, 0.08
"""A wink: by how much one eye is narrower than the other, and how much more it blinks."""


@dataclass(frozen=True, slots=True, eq=False)
class Iris:
    """The place in the eye that looks most like an iris.

    Attributes:
        contrast: how much darker the disc is than the eye beside it, over ``scale_l``.
        position: from 0 at the corner on the left of the picture to 1 at the right one.
    """

    contrast: float
    position: float


class Eye:
    """One eye in the levelled patch."""

    def __init__(self, lids: Points, centre: tuple[float, float], lab: Lab, skin: Skin) -> None:
        """Take six lid points in iBUG order, where the pupil is, and the patch."""
        self.lids = lids
        self.lab = lab
        self.skin = skin
        self.centre = centre
        self.width = max(8.0, abs(float(lids[3, 0] - lids[0, 0])))
        self.middle_y = float(lids[[1, 2, 4, 5], 1].mean()) - 1.0

    @property
    def gap_px(self) -> float:
        """Mean distance of the lids."""
        upper, lower = self.lids[[1, 2]], self.lids[[5, 4]]
        return float(np.linalg.norm(upper - lower, axis=1).mean())

    def window(self, left: float, top: float, right: float, bottom: float) -> Lab:
        """Lab around the pupil, offsets in eye distances."""
        h, w = self.lab.shape[:2]
        x, y = self.centre
        rows = slice(max(0, int(y + top * PATCH_IED)), min(h, int(y + bottom * PATCH_IED)))
        columns = slice(max(0, int(x + left * PATCH_IED)), min(w, int(x + right * PATCH_IED)))
        return self.lab[rows, columns]

    def lid_window(self, inset: float, above_px: int, below_px: int) -> Lab:
        """Lab between the corners, ``inset`` widths inside them, around the lids' middle."""
        y = round(self.middle_y)
        left = int(self.lids[0, 0] + inset * self.width)
        right = int(self.lids[3, 0] - inset * self.width) + 1
        return self.lab[y - above_px : y + below_px, left:right]

    @cached_property
    def iris(self) -> Iris:
        """The darkest disc against its left and right neighbourhood."""
        radius = max(_MIN_IRIS_PX, IRIS_RADIUS * self.width)
        kernel, reach = _iris_kernel(radius)
        inset = int(0.2 * self.width)
        y, x0, x1 = round(self.middle_y), float(self.lids[0, 0]), float(self.lids[3, 0])
        first = max(0, int(x0 - reach))
        region = self.lab[max(0, y - 5 - reach) : y + 6 + reach, first : int(x1 + reach) + 1, 0]
        if min(region.shape) <= 2 * reach:
            return Iris(0.0, 0.5)
        soft = np.asarray(cv2.GaussianBlur(np.ascontiguousarray(region), (0, 0), 1), np.float32)
        answer = -_correlate(soft, kernel)
        answer = answer[:, inset : answer.shape[1] - inset]
        if answer.size == 0:
            return Iris(0.0, 0.5)
        best = answer.max(axis=0)
        column = int(best.argmax())
        position = (column + inset + reach + first - x0) / max(1.0, x1 - x0)
        return Iris(float(best[column]) / self.scale_l, position)

    @cached_property
    def pupil_contrast(self) -> float:
        """How much darker a pupil-sized disc is than its left and right, over ``scale_l``.

        The lighter of both sides does not count, so lashes of a closed lid, dark along the whole
        lid, give little. Tells light irises, which hardly differ from the white of the eye.
        """
        y, inset = round(self.middle_y), 0.2 * self.width
        left, right = int(self.lids[0, 0] + inset), int(self.lids[3, 0] - inset) + 1
        best = 0.0
        for radius in _PUPIL_RADII_PX:
            disc, west, east = _pupil_kernels(radius)
            reach = disc.shape[0] // 2
            rows = slice(max(0, y - 6 - reach), y + 7 + reach)
            region = np.ascontiguousarray(self.lab[rows, max(0, left - reach) : right + reach, 0])
            if min(region.shape) <= 2 * reach:
                continue
            soft = np.asarray(cv2.GaussianBlur(region, (0, 0), 0.8), np.float32)
            sides = (_correlate(soft, side) for side in (west, east))
            answer = np.minimum(*sides) - _correlate(soft, disc)
            best = max(best, float(answer.max()))
        return best / self.scale_l

    @cached_property
    def scale_l(self) -> float:
        """L* that contrasts are judged against: of the skin, or 0.75 of its highlights.

        On very dark skin the sheen of a closed lid would be large against the skin alone; the
        highlights tell the exposure on any skin.
        """
        return max(self.skin.lightness, _HIGHLIGHT_SHARE * self.skin.middle_brightest)

    @cached_property
    def lashes(self) -> float:
        """How much the rows between the corners differ, over ``scale_l``: a closed lid's line."""
        y, inset = round(self.middle_y), 0.2 * self.width
        columns = slice(int(self.lids[0, 0] + inset), int(self.lids[3, 0] - inset) + 1)
        region = np.ascontiguousarray(self.lab[max(0, y - 7) : y + 10, columns, 0])
        if region.size == 0:
            return 0.0
        soft = cv2.GaussianBlur(region, (0, 0), 1)
        return float(soft.mean(axis=1).std()) / self.scale_l

    @cached_property
    def colour_contrast(self) -> float:
        """Distance in (a*, b*) of the inside of the eye from the skin, over the skin's chroma.

        Closed lids are skin, the white of the eye is not. A cast on the picture moves both and
        cancels out; in one tint or without any colour the usual value of an open eye stands in.
        """
        is_pale = float(np.hypot(self.skin.colour[1], self.skin.colour[2])) < _NO_CHROMA
        if is_pale or self.skin.is_in_one_tint:
            return _USUAL_COLOUR_CONTRAST
        y, x, half = int(self.middle_y), float(self.centre[0]), 0.38 * self.width
        box = self.lab[max(0, y - 3) : y + 4, max(0, int(x - half)) : int(x + half) + 1]
        away = box[..., 1:] - self.skin.colour[1:]
        return min(1.0, find_median(np.hypot(away[..., 0], away[..., 1])) / self.skin.chroma)

    @cached_property
    def openness(self) -> float:
        """Above about 0.33 when iris, pupil and white of the eye are seen, below 0.28 when not.

        Not the height of the lid gap: narrow eyes are open eyes.
        """
        iris = max(0.0, self.iris.contrast) + _PUPIL_WEIGHT * self.pupil_contrast
        return iris + _COLOUR_WEIGHT * self.colour_contrast - _LASHES_WEIGHT * self.lashes

    @property
    def disc_light(self) -> float:
        """Median L* where the iris should be over L* of the skin: a closed lid is skin."""
        x, y = round(self.centre[0]), round(self.centre[1])
        box = self.lab[y - _DISC_PX : y + _DISC_PX + 1, x - _DISC_PX : x + _DISC_PX + 1, 0]
        return find_median(box[_DISC]) / max(15.0, float(self.skin.colour[0]))

    def red_share(self) -> float:
        """Share of the inside of the eye that is much redder than the skin."""
        x0 = int(self.lids[0, 0] + 0.15 * self.width)
        x1 = int(self.lids[3, 0] - 0.15 * self.width) + 1
        y = int(self.centre[1])
        box = self.lab[y - 6 : y + 9, x0:x1]
        red = (box[..., 1] > self.skin.colour[1] + 14) & (box[..., 1] > 0.9 * box[..., 2])
        return find_share(red & (box[..., 0] < 80))  # noqa: PLR2004 - L* of a glare

    @cached_property
    def white_colours(self) -> Lab:
        """float32 (n, 3): Lab of the lightest quarter between the lids, mostly white of the eye."""
        top, left = (max(0, int(v) - 1) for v in self.lids.min(axis=0)[::-1])
        bottom, right = (max(0, int(v) + 3) for v in self.lids.max(axis=0)[::-1])
        near = self.lab[top:bottom, left:right]
        inside = near[fill(near.shape[:2], self.lids - (left, top))]
        if not len(inside):
            return inside
        return np.asarray(inside[inside[:, 0] >= find_percentile(inside[:, 0], 75)])

    def white(self) -> float:
        """92nd percentile of L* inside the eye: the white of the eye, on any skin."""
        y = int(self.centre[1])
        box = self.lab[y - 5 : y + 7, int(self.lids[0, 0]) : int(self.lids[3, 0]) + 1, 0]
        return find_percentile(box, 92)


@dataclass(frozen=True, slots=True)
class Lids:
    """What the landmarks say about the lids, whatever the picture shows between them.

    Attributes:
        ratios: height over width, of the eye on the left of the picture and of the other.
        blinks: how closed both look to the mesh back end, 0-1; zero without it.
    """

    ratios: tuple[float, float]
    blinks: tuple[float, float] = (0.0, 0.0)

    @property
    def closed(self) -> float:
        """1 and more when the worse eye is closed by its lids."""
        narrow, wide = sorted(self.ratios)
        wink = min(
            (1 - narrow / max(wide, 0.01)) / WINK_RATIO,
            abs(self.blinks[0] - self.blinks[1]) / WINK_DIFFERENCE,
        )
        touching = CLOSED_LID_RATIO / max(narrow, 0.02)
        return max(max(self.blinks) / CLOSED_BLINK, touching, wink)


_LID_CORNERS = ((33, 133), (362, 263))
_LID_PAIRS = (((160, 144), (159, 145), (158, 153)), ((385, 380), (386, 374), (387, 373)))
"""Mesh points: corners, and upper against lower lid; the eye on the left of the picture first."""


def _measure_lids(analysis: Analysis) -> Lids:
    """Heights and blinks of both eyes from the mesh, or the heights from the 68 points."""
    mesh = analysis.face and analysis.face.mesh
    if not mesh:
        points = analysis.points
        left, right = (_lid_ratio(points[i : i + 6]) for i in (36, 42))
        return Lids((left, right))
    points = mesh.points[:, :2]
    ratios = []
    for corners, pairs in zip(_LID_CORNERS, _LID_PAIRS, strict=True):
        heights = [np.linalg.norm(points[up] - points[low]) for up, low in pairs]
        width = np.linalg.norm(points[corners[0]] - points[corners[1]])
        ratios.append(float(np.mean(heights) / max(float(width), 1.0)))
    shapes = mesh.blendshapes  # the person's right eye is on the left of the picture
    return Lids((ratios[0], ratios[1]), (shapes["eyeBlinkRight"], shapes["eyeBlinkLeft"]))


def _lid_ratio(lids: Points) -> float:
    """Height over width of six lid points in iBUG order."""
    height = float(np.linalg.norm(lids[[1, 2]] - lids[[5, 4]], axis=1).mean())
    return height / max(float(np.linalg.norm(lids[3] - lids[0])), 1.0)


class Eyes:
    """Both eyes, the one on the left of the picture first."""

    def __init__(self, analysis: Analysis) -> None:
        """Take an analysis with a face."""
        self.lids = _measure_lids(analysis)
        skin, points, lab = analysis.part(Skin), analysis.patch_points, analysis.patch_lab
        self.left = Eye(points[36:42], PATCH_EYES[0], lab, skin)
        self.right = Eye(points[42:48], PATCH_EYES[1], lab, skin)
        self.both = (self.left, self.right)

    def openness(self) -> float:
        """Openness of the less open eye, less where the other one is much more open: a wink."""
        least, most = sorted(eye.openness for eye in self.both)
        return least - _WINK_WEIGHT * max(0.0, _LIKE_EYES - least / max(most, 0.01))

    @cached_property
    def image_closed(self) -> float:
        """What the picture says about the worse eye: 1 and more when it looks closed."""
        light = max(eye.disc_light for eye in self.both)
        return min(CLOSED_OPENNESS / max(self.openness(), 0.03), light / CLOSED_DISC_LIGHT)

    def gaze(self) -> float:
        """Mean place of the irises between the corners, 0.5 straight ahead."""
        return (self.left.iris.position + self.right.iris.position) / 2

    @cached_property
    def red_share(self) -> float:
        """Red share of the redder eye."""
        return max(eye.red_share() for eye in self.both)

    def white_colour(self) -> tuple[float, float] | None:
        """(a*, b*) of the white of both eyes: nearly neutral on everybody in white light.

        ``None`` when nothing is seen between the lids.
        """
        seen = np.concatenate([eye.white_colours for eye in self.both])
        if not len(seen):
            return None
        _, a, b = find_median_colour(seen)
        return float(a), float(b)

    def white(self) -> float:
        """L* of the brighter eye's white."""
        return max(eye.white() for eye in self.both)


def _correlate(region: Floats, kernel: Floats) -> Floats:
    """What the kernel gives at every place where it lies wholly inside the region."""
    # as cv2.filter2D without the rim, which it would compute too
    return np.asarray(cv2.matchTemplate(region, kernel, cv2.TM_CCORR), np.float32)


def _iris_kernel(radius: float) -> tuple[Floats, int]:
    """Mean of a disc minus the mean of the ring's left and right parts, and its reach in px."""
    reach = int(2 * radius)
    y, _, distance = _polar_grid(reach)
    disc = distance <= radius
    ring = (distance > radius) & (distance <= 1.5 * radius) & (np.abs(y) < 0.8 * radius)
    return np.asarray(disc / disc.sum() - ring / ring.sum(), np.float32), reach


@cache
def _polar_grid(reach: int) -> tuple[Floats, Floats, Floats]:
    """Rows, columns and distances from the middle of a square kernel."""
    y, x = np.mgrid[-reach : reach + 1, -reach : reach + 1].astype(np.float32)
    return y, x, np.hypot(y, x)


@cache
def _pupil_kernels(radius: float) -> tuple[Floats, Floats, Floats]:
    """Means of a disc and of the left and the right part of a ring around it."""
    reach = int(np.ceil(2.6 * radius))
    y, x, distance = _polar_grid(reach)
    ring = (distance > 1.5 * radius) & (distance <= 2.6 * radius) & (np.abs(y) < 1.2 * radius)
    return _mean_over(distance <= radius), _mean_over(ring & (x < 0)), _mean_over(ring & (x > 0))


def _mean_over(part: npt.NDArray[np.bool_]) -> Floats:
    return np.asarray(part / part.sum(), np.float32)
