"""Replaces a plain wall by a reference colour: no rim of the old wall, no hole in a white shirt.

The wall is a smooth surface of colour fitted to what is seen beside the head. What lies near that
surface and hangs together with the border is wall; a narrow band around it is mixed from person
and wall, and each pixel of the band is taken apart by colour. Clothes of the wall's own colour
cannot be told from it by colour: there the outline of the shoulders decides, found as the
strongest line that runs from the neck outwards and downwards.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from imagecheck.analysis import to_lab
from imagecheck.decode import Rgb
from imagecheck.faces import Points
from imagecheck.plain_wall import WALL_DELTA_E, FittedWall, Mask, Plane, blurred, fit_wall
from imagecheck.shoulders import find_shoulder_line

POCKET_DELTA_E = 4.0
BAND_PX = 7
"""Width of the mixed band; loose hair reaches about this far at 480x640."""
POCKET_DEPTH_PX = 12
SAME_COLOUR_DELTA_E = 10.0
"""Clothes nearer than this to the wall are separated by the shoulder line, not by colour."""
LOST_EDGE_DELTA_E = 2.5
MAX_LOST_SHARE = 0.10
"""Where this share of the shoulder line has less contrast than that, nothing is replaced (a white
shirt, 250, is mostly still cut off well from a wall of 240, never from one of 248)."""


@dataclass(frozen=True, slots=True, eq=False)
class Cutout:
    """The person taken off the wall.

    Attributes:
        alpha: float32 (h, w), 1 where only the person is seen, 0 where only the wall.
        person: float32 (h, w, 3) RGB, colour of the person without the wall's share.
    """

    alpha: Plane
    person: Plane

    def before(self, colour: tuple[int, int, int]) -> Rgb:
        """The person before a wall of exactly that colour, uint8 (h, w, 3) RGB."""
        new = np.array(colour, np.float32)
        mixed = self.alpha[..., None] * (self.person - new) + new
        return np.asarray(np.clip(mixed + 0.5, 0, 255), np.uint8)


@dataclass(frozen=True, slots=True, eq=False)
class Body:
    """Shoulders and what is below them.

    Attributes:
        line: float64 (w,), first row of the body in every column.
        solid: bool (h, w), where the wall cannot reach.
        is_hidden: bool (h, w), where the line alone decides, because the colours are the same.
    """

    line: npt.NDArray[np.float64]
    solid: Mask
    is_hidden: Mask


def replace_wall(pixels: Rgb, points: Points, colour: tuple[int, int, int]) -> Rgb | None:
    """The same picture in front of a wall of exactly ``colour``.

    ``None`` when the wall is not plain, or when the clothes have exactly its colour, so that nobody
    could say where they end.

    Args:
        pixels: uint8 (h, w, 3) RGB, the framed photo.
        points: float64 (68, 2), landmarks in it.
        colour: sRGB 0-255.
    """
    cutout = lift_person(pixels, points)
    return None if cutout is None else cutout.before(colour)


def lift_person(pixels: Rgb, points: Points) -> Cutout | None:
    """Take the person off the wall, for as many new walls as are wanted; ``None`` as above."""
    lab = to_lab(pixels)
    wall = fit_wall(pixels, lab, points)
    return None if wall is None else _cut_person(pixels, lab, points, wall)


def _cut_person(pixels: Rgb, lab: Plane, points: Points, wall: FittedWall) -> Cutout | None:
    """Take the person off the fitted wall; ``None`` if clothes and wall cannot be told apart."""
    picture = pixels.astype(np.float32)
    smoothed = blurred(wall.distance, 1.1)
    solid = _solid_person(pixels.shape[:2], points)
    body = _find_body(lab, smoothed, points)
    if body is None:
        return None
    free = ~(solid | body.solid)
    is_wall = _connected_wall((smoothed < WALL_DELTA_E) & free)
    loose = free & _may_hold_loose_hair(is_wall, points, body.line)
    is_wall |= loose & (smoothed < POCKET_DELTA_E)
    mixed = _grow(is_wall, BAND_PX) | (loose & _is_pale_hair(lab, wall, smoothed))
    sure = ~mixed | solid
    person = _spread_colours(picture, sure)
    alpha = _unmix(picture, wall, person, smoothed)
    alpha[is_wall] = np.minimum(alpha[is_wall], np.clip((smoothed[is_wall] - 3) / 6, 0, 1))
    alpha[sure] = 1.0
    alpha = np.where(body.is_hidden, _edge_alpha(body.line, alpha.shape), alpha)
    alpha[solid] = 1.0
    return Cutout(alpha.astype(np.float32), _clean_colours(picture, wall.colour, person, alpha))


def _may_hold_loose_hair(is_wall: Mask, points: Points, line: npt.NDArray[np.float64]) -> Mask:
    """Where the wall may be seen through hair: between eyes and shoulders, and near the outline.

    Further in and higher up, what looks like wall is the shine of the hair.
    """
    y = np.arange(is_wall.shape[0])[:, None]
    below_eyes = y > points[36:48, 1].mean()
    return np.asarray((below_eyes | _grow(is_wall, POCKET_DEPTH_PX)) & (y < line - 3), np.bool_)


def _is_pale_hair(lab: Plane, wall: FittedWall, smoothed: Plane) -> Mask:
    """Wall mixed with a little hair: not far from the wall in lightness, and of its hue."""
    hue = np.linalg.norm(lab[..., 1:] - wall.lab[..., 1:], axis=2)
    return np.asarray((smoothed < 26) & (hue < 7), np.bool_)  # noqa: PLR2004 - skin has more hue


def _solid_person(shape: tuple[int, ...], points: Points) -> Mask:
    """Face, skull and throat: never wall, whatever their colour."""
    mask = np.zeros(shape[:2], np.uint8)
    width = float(np.linalg.norm(points[16] - points[0]))
    brows = points[17:27] - (0, 0.16 * width)
    face = np.concatenate([points[0:17], brows[::-1]])
    centre = points[0:17].mean(axis=0)
    cv2.fillPoly(mask, [np.round(centre + 0.96 * (face - centre)).astype(np.int32)], 1)
    throat = np.array([points[6], points[10], (points[10][0], shape[0]), (points[6][0], shape[0])])
    cv2.fillPoly(mask, [np.round(throat).astype(np.int32)], 1)
    return mask.astype(np.bool_)


def _find_body(lab: Plane, smoothed: Plane, points: Points) -> Body | None:
    """Where the body is; ``None`` where the clothes cannot be told from the wall at all."""
    line = find_shoulder_line(lab, smoothed, points)
    clothes = _median_along(smoothed, line, range(6, 34, 4))
    above = _median_along(smoothed, line, range(-14, -3, 2))
    is_same = (clothes < SAME_COLOUR_DELTA_E) & (above < SAME_COLOUR_DELTA_E)
    is_lost = is_same & (clothes - above < LOST_EDGE_DELTA_E)
    if is_lost[line < smoothed.shape[0] - BAND_PX].mean() > MAX_LOST_SHARE:
        return None
    is_same = _widened(is_same)
    y = np.arange(smoothed.shape[0], dtype=np.float32)[:, None]
    solid = y > np.where(is_same, line + 1, line + 26)
    is_near = (y > line - 22) & (y < line + BAND_PX + 5)
    is_hidden = is_same & is_near & ((y > line - 1) | (smoothed < SAME_COLOUR_DELTA_E + 2))
    return Body(line, solid, is_hidden)


def _median_along(
    plane: Plane, line: npt.NDArray[np.float64], offsets: range
) -> npt.NDArray[np.float64]:
    """Median of every column over the rows at those offsets from the line."""
    rows = np.clip(line.astype(int) + np.array(offsets)[:, None], 0, plane.shape[0] - 1)
    return np.asarray(np.median(plane[rows, np.arange(plane.shape[1])], axis=0), np.float64)


def _widened(columns: npt.NDArray[np.bool_]) -> npt.NDArray[np.bool_]:
    calm = cv2.medianBlur(columns.astype(np.uint8)[None], 5)
    return np.asarray(cv2.dilate(calm, np.ones((1, 9), np.uint8))[0] > 0, np.bool_)


def _edge_alpha(line: npt.NDArray[np.float64], shape: tuple[int, ...]) -> Plane:
    y = np.arange(shape[0], dtype=np.float32)[:, None]
    return np.asarray(np.clip((y - line + 1.0) / 2.0, 0, 1), np.float32)


def _connected_wall(near: Mask) -> Mask:
    """Parts of ``near`` that touch the upper, left or right border."""
    _, labels = cv2.connectedComponents(near.astype(np.uint8), connectivity=4)
    touching = np.unique(np.concatenate([labels[0], labels[:, 0], labels[:, -1]]))
    keep = np.zeros(int(labels.max()) + 1, np.bool_)
    keep[touching] = True
    keep[0] = False
    return np.asarray(keep[labels] & near, np.bool_)


def _grow(mask: Mask, radius: int) -> Mask:
    kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * radius + 1, 2 * radius + 1))
    return cv2.dilate(mask.astype(np.uint8), kernel) > 0


def _spread_colours(picture: Plane, sure: Mask) -> Plane:
    """Colours of the sure person, carried outwards into the band, from near or else from far."""
    h, w = sure.shape
    weight = sure.astype(np.float32)
    seen = np.dstack([picture * weight[..., None], weight])
    small = cv2.resize(seen, (w // 4, h // 4), interpolation=cv2.INTER_AREA)
    far = cv2.resize(cv2.GaussianBlur(small, (0, 0), 6.0), (w, h))
    near = cv2.GaussianBlur(seen, (0, 0), 4.0)
    carried = near + np.float32(0.02) * far + np.float32(1e-6)
    colours = carried[..., :3] / carried[..., 3:]
    is_known = (carried[..., 3:] > 1e-4) & ~sure[..., None]  # noqa: PLR2004 - nothing near
    return np.asarray(np.where(is_known, colours, picture), np.float32)


def _unmix(picture: Plane, wall: FittedWall, person: Plane, smoothed: Plane) -> Plane:
    """Share of the person in every pixel, from where it lies between both colours.

    Where the two are hardly different, the distance to the wall has to do. What lies off the line
    between them is a third colour, so it belongs to the person too.
    """
    axis = person - wall.colour
    seen = picture - wall.colour
    length = np.maximum(np.einsum("hwc,hwc->hw", axis, axis), 1.0)
    along = np.einsum("hwc,hwc->hw", seen, axis) / length
    aside = np.linalg.norm(seen - np.clip(along, 0, 1)[..., None] * axis, axis=2)
    between = np.clip((along - 0.05) / 0.85, 0, 1)
    apart = np.clip((smoothed - 4) / 6, 0, 1)
    trust = np.clip((np.sqrt(length) - 20) / 40, 0, 1)
    third = np.clip((aside - 20) / 30, 0, 1)
    return np.asarray(np.maximum(trust * between + (1 - trust) * apart, third), np.float32)


def _clean_colours(picture: Plane, wall: Plane, person: Plane, alpha: Plane) -> Plane:
    """Take the wall's share out of mixed pixels; what remains stays near the person's colours."""
    share = alpha[..., None]
    pure = (picture - (1 - share) * wall) / np.maximum(share, 0.1)
    pure = np.clip(pure, np.minimum(person - 28, 255), np.maximum(person + 28, 0))
    mixed = np.where(share < 0.5, person + (pure - person) * share * 2, pure)  # noqa: PLR2004
    return np.asarray(np.where(share >= 1, picture, np.clip(mixed, 0, 255)), np.float32)
