"""Replaces a plain wall by a reference colour: no rim of the old wall, no hole in a white shirt.

The wall is a smooth surface of colour fitted to what is seen beside the head. What lies near that
surface and hangs together with the border is wall; a narrow band around it is mixed from person
and wall, and each pixel of the band is taken apart by colour. Clothes of the wall's own colour
cannot be told from it by colour: there the outline of the shoulders decides, found as the
strongest line that runs from the neck outwards and downwards.
"""

from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from imagecheck.analysis import to_lab
from imagecheck.decode import Rgb
from imagecheck.faces import Points
from imagecheck.shoulders import find_shoulder_line

Plane = npt.NDArray[np.float32]
"""float32 (h, w) or (h, w, 3)."""
Mask = npt.NDArray[np.bool_]

WALL_DELTA_E = 5.0
"""A smoothed pixel nearer than this to the fitted wall is wall (grain of phone photos stays below
3; chosen by eye on 47 studio and 12 drawn portraits)."""
POCKET_DELTA_E = 4.0
SHADE_DELTA_E = 22.0
"""Smooth areas up to here beside the head are the wall in shadow, or a second colour of wall."""
MAX_UNEVEN_SHARE = 0.02
"""With more than this share of wall in shadow or otherwise uneven, nothing is replaced."""
MIN_WALL_SHARE = 0.80
BAND_PX = 7
"""Width of the mixed band; loose hair reaches about this far at 480x640."""
POCKET_DEPTH_PX = 12
SAME_COLOUR_DELTA_E = 10.0
"""Clothes nearer than this to the wall are separated by the shoulder line, not by colour."""
LOST_EDGE_DELTA_E = 2.5
MAX_LOST_SHARE = 0.25
"""Where this share of the shoulder line has less contrast than that, nothing is replaced (a white
shirt, 250, is still cut off well from a wall of 240, not from one of 245)."""


_SURFACE_CELLS = 80
_FIRST_REACH, _SECOND_REACH = 14.0, 9.0


@dataclass(frozen=True, slots=True, eq=False)
class FittedWall:
    """The wall as it would be seen without the person.

    Attributes:
        colour: float32 (h, w, 3) RGB 0-255.
        lab: the same in CIE Lab.
        distance: float32 (h, w), CIE76 of every pixel of the photo to it.
    """

    colour: Plane
    lab: Plane
    distance: Plane

    @classmethod
    def of_surface(cls, colour: Plane, photo_lab: Plane) -> "FittedWall":
        """The wall of that colour behind a photo."""
        lab = np.asarray(cv2.cvtColor(colour / np.float32(255), cv2.COLOR_RGB2LAB), np.float32)
        difference = photo_lab - lab
        square = np.einsum("hwc,hwc->hw", difference, difference)
        return cls(colour, lab, np.sqrt(square))


@dataclass(frozen=True, slots=True, eq=False)
class Cutout:
    """The person taken off the wall.

    Attributes:
        alpha: float32 (h, w), 1 where only the person is seen, 0 where only the wall.
        person: float32 (h, w, 3) RGB, colour of the person without the wall's share.
    """

    alpha: Plane
    person: Plane


def replace_wall(pixels: Rgb, points: Points, colour: tuple[int, int, int]) -> Rgb | None:
    """The same picture in front of a wall of exactly ``colour``.

    ``None`` when the wall is not plain, or when the clothes have exactly its colour, so that nobody
    could say where they end.

    Args:
        pixels: uint8 (h, w, 3) RGB, the framed photo.
        points: float64 (68, 2), landmarks in it.
        colour: sRGB 0-255.
    """
    lab = to_lab(pixels)
    wall = fit_wall(pixels, lab, points)
    if wall is None:
        return None
    cutout = cut_person(pixels, lab, points, wall)
    if cutout is None:
        return None
    new = np.array(colour, np.float32)
    mixed = cutout.alpha[..., None] * (cutout.person - new) + new
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


# -- the wall ---------------------------------------------------------------------------------


def fit_wall(pixels: Rgb, lab: Plane, points: Points) -> FittedWall | None:
    """Colour of the wall at every pixel, also behind the person; ``None`` if it is not plain."""
    picture = pixels.astype(np.float32)
    beside = _beside_head(pixels.shape[:2], points)
    near = _near_commonest(lab, beside)
    if near.sum() < MIN_WALL_SHARE * 0.5 * beside.sum():
        return None
    wall = FittedWall.of_surface(_fit_surface(picture, near), lab)
    near = beside & (wall.distance < _SECOND_REACH)
    wall = FittedWall.of_surface(_fit_surface(picture, near), lab)
    calm = _blurred(wall.distance, 1.5)
    is_plain = (
        float((calm < WALL_DELTA_E + 1)[beside].mean()) > MIN_WALL_SHARE
        and float(_uneven(lab, calm, beside).mean()) < MAX_UNEVEN_SHARE
    )
    return wall if is_plain else None


def _beside_head(shape: tuple[int, ...], points: Points) -> Mask:
    """Where nothing but wall should be: above the chin, away from head and hair."""
    y, x = np.mgrid[0 : shape[0], 0 : shape[1]].astype(np.float32)
    width = float(np.linalg.norm(points[16] - points[0]))
    cx, cy = points[[0, 16]].mean(axis=0)
    rx, ry = 0.78 * width, 1.35 * width
    head = ((x - cx) / rx) ** 2 + np.where(y < cy, (y - cy) / ry, 0) ** 2 < 1
    return np.asarray(~head & (y < points[8, 1]), np.bool_)


def _near_commonest(lab: Plane, beside: Mask) -> Mask:
    sample = lab[beside][::5]
    bins = np.round(sample / 5).astype(np.int32)
    _, first, counts = np.unique(bins, axis=0, return_index=True, return_counts=True)
    peak = bins[first[np.argmax(counts)]].astype(np.float32) * 5
    return np.asarray(beside & (np.linalg.norm(lab - peak, axis=2) < _FIRST_REACH), np.bool_)


def _fit_surface(picture: Plane, near: Mask) -> Plane:
    """Quadratic surface through the colours of ``near``, least squares."""
    h, w = near.shape
    rows, columns = np.nonzero(near)
    rows, columns = rows[::9], columns[::9]
    terms = _terms(columns / w - 0.5, rows / h - 0.5)
    gram = terms.T @ terms + 1e-3 * np.eye(terms.shape[1])
    weights = np.linalg.solve(gram, terms.T @ picture[rows, columns].astype(np.float64))
    n = _SURFACE_CELLS
    y, x = (np.mgrid[0:n, 0:n] + 0.5) / n - 0.5
    coarse = np.clip(_terms(x.ravel(), y.ravel()) @ weights, 0, 255).reshape(n, n, 3)
    fine = cv2.resize(coarse.astype(np.float32), (w, h), interpolation=cv2.INTER_LINEAR)
    return np.asarray(fine, np.float32)


def _terms(x: npt.NDArray[np.float64], y: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    return np.stack([np.ones_like(x), x, y, x * x, y * y, x * y], axis=-1)


def _blurred(plane: Plane, sigma: float) -> Plane:
    return np.asarray(cv2.GaussianBlur(plane, (0, 0), sigma), np.float32)


def _uneven(lab: Plane, distance: Plane, beside: Mask) -> Mask:
    """Smooth areas beside the head that are nearly, not quite, the wall: shadow, light spots."""
    soft = cv2.GaussianBlur(lab, (0, 0), 2.0)
    slope = np.abs(cv2.Sobel(soft, cv2.CV_32F, 1, 0)) + np.abs(cv2.Sobel(soft, cv2.CV_32F, 0, 1))
    smooth = slope.max(axis=2) < 9  # noqa: PLR2004 - dE over 4 px; hair has more
    return np.asarray(
        beside & smooth & (distance > WALL_DELTA_E + 2) & (distance < SHADE_DELTA_E), np.bool_
    )


# -- the person -------------------------------------------------------------------------------


def cut_person(pixels: Rgb, lab: Plane, points: Points, wall: FittedWall) -> Cutout | None:
    """Take the person off the fitted wall; ``None`` if clothes and wall cannot be told apart."""
    picture = pixels.astype(np.float32)
    smoothed = _blurred(wall.distance, 1.1)
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
    alpha = _unmix(picture, wall, person)
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


def _unmix(picture: Plane, wall: FittedWall, person: Plane) -> Plane:
    """Share of the person in every pixel, from where it lies between both colours.

    Where the two are hardly different, the plain distance to the wall has to do.
    """
    axis = person - wall.colour
    length = np.maximum(np.einsum("hwc,hwc->hw", axis, axis), 1.0)
    along = np.einsum("hwc,hwc->hw", picture - wall.colour, axis) / length
    along = np.clip((along - 0.05) / 0.85, 0, 1)
    plain = np.clip((wall.distance - 4) / 10, 0, 1)
    trust = np.clip((np.sqrt(length) - 20) / 40, 0, 1)
    return np.asarray(trust * along + (1 - trust) * plain, np.float32)


def _clean_colours(picture: Plane, wall: Plane, person: Plane, alpha: Plane) -> Plane:
    """Take the wall's share out of mixed pixels; what remains stays near the person's colours."""
    share = alpha[..., None]
    pure = (picture - (1 - share) * wall) / np.maximum(share, 0.1)
    pure = np.clip(pure, np.minimum(person - 28, 255), np.maximum(person + 28, 0))
    mixed = np.where(share < 0.5, person + (pure - person) * share * 2, pure)  # noqa: PLR2004
    return np.asarray(np.where(share >= 1, picture, np.clip(mixed, 0, 255)), np.float32)
