"""Glasses: whether there are any, and whether lenses or rims hide the eyes."""

from __future__ import annotations

from functools import cached_property

import cv2
import numpy as np
import numpy.typing as npt
from numpy.lib.stride_tricks import sliding_window_view

from imagecheck.analysis import PATCH_EYES, PATCH_IED, Analysis
from imagecheck.measures.eyes import Eye, Eyes
from imagecheck.measures.skin import Skin
from imagecheck.ranks import find_median_colour, find_medians, find_share
from imagecheck.wall import Lab

_LENS = (-0.16, 0.17, 0.16, 0.27)
_CHEEK = (-0.18, 0.52, 0.18, 0.70)
_LENS_TO_CHEEK = (-0.12, 0.24, 0.12, 0.75)
_INSIDE_PX, _RIM_PX, _OUTSIDE_PX = 16, 8, 6
"""Rows above the lower edge of a lens, under its rim, and of the cheek below it."""
_GLARE_BOX = (-0.34, -0.22, 0.34, 0.30)
_GLARE_L = 90.0
_RIM_SHARE_OF_SKIN = 0.55
_REFERENCE_L = 60.0
_DARKEST_L = 25.0
_BLACK_L = 4.0
_BRIGHTER = 1.15
"""A lens brighter than the cheek reflects; it does not tint."""
_WHITE_CHROMA = 0.35
"""Share of the skin's (a*, b*) that the white of the eye has, as the net sees its lids."""
_EYE_SEEN = 0.34
"""Openness of an eye that is seen; behind drawn mirrors 95 % of eyes have 0.33 and less."""
_MOST_OF_SKIN = 1.5
"""So much more than the skin under a lens may the white be coloured: the rest is its own."""


def hides_eyes(analysis: Analysis) -> bool:
    """Whether lenses shine so that the eyes, and what is read off them, are guesses."""
    _, most = analysis.profile.limit("glasses.glare").fail
    return most is not None and analysis.part(Glasses).glare_share() > most


def _median(window: Lab) -> tuple[float, float, float]:
    if window.size == 0:
        return 50.0, 0.0, 0.0
    lightness, a, b = find_median_colour(window)
    return float(lightness), float(a), float(b)


def _find_step(lightness: npt.NDArray[np.float32]) -> float:
    """The greatest step from dark rows to lighter ones below them, logarithmic; 0 when too few."""
    rows = np.maximum(find_medians(lightness), _BLACK_L)
    apart = _INSIDE_PX + _RIM_PX
    if len(rows) < apart + _OUTSIDE_PX:
        return 0.0
    inside = sliding_window_view(rows, _INSIDE_PX).max(axis=1)
    outside = sliding_window_view(rows[apart:], _OUTSIDE_PX).min(axis=1)
    return float(np.log(outside / inside[: len(outside)]).max())


class Glasses:
    """Measures in the levelled patch; below the eye the lens is compared with the free cheek."""

    def __init__(self, analysis: Analysis) -> None:
        """Take an analysis with a face."""
        self.lab = analysis.patch_lab
        self.eyes = analysis.part(Eyes)
        self.skin = analysis.part(Skin)

    def bridge(self) -> float:
        """Strongest horizontal edge across the nose root, L* units scaled to a skin of L* 60."""
        x, y = (PATCH_EYES[0][0] + PATCH_EYES[1][0]) / 2, PATCH_EYES[0][1]
        half = 0.09 * PATCH_IED
        rows = slice(int(y - 0.16 * PATCH_IED), int(y + 0.38 * PATCH_IED))
        nose = np.ascontiguousarray(self.lab[rows, int(x - half) : int(x + half), 0])
        profile = cv2.GaussianBlur(nose, (0, 0), 0.8).mean(axis=1)
        edge = float(np.abs(profile[2:] - profile[:-2]).max())
        return edge * _REFERENCE_L / max(float(self.skin.colour[0]), _DARKEST_L)

    def lens_lightness(self) -> float:
        """L* under the lens over L* of the cheek, of the lighter lens; 1 when nothing tints."""
        return max(self._lightnesses)

    @cached_property
    def _lenses_and_cheeks(self) -> tuple[tuple[Lab, Lab], ...]:
        """Median Lab, float32 (3,), under each lens and on the free cheek below it."""
        return tuple(
            (np.array(_median(eye.window(*_LENS))), np.array(_median(eye.window(*_CHEEK))))
            for eye in self.eyes.both
        )

    @cached_property
    def _lightnesses(self) -> tuple[float, ...]:
        """L* under each lens over L* of the cheek."""
        return tuple(
            float(lens[0]) / max(float(cheek[0]), 8.0) for lens, cheek in self._lenses_and_cheeks
        )

    def bare_lens_lightness(self) -> float:
        """The same against the lightest of cheek, forehead and nose, for lenses without a frame.

        Deep sockets are darker than the forehead alone; only a lens darkens against all three.
        """
        forehead = _median(self._middle(-0.2, -0.75, 0.2, -0.55))[0]
        nose = _median(self._middle(-0.06, 0.35, 0.06, 0.60))[0]
        lens = max(float(lens[0]) for lens, _ in self._lenses_and_cheeks)
        return max(self.lens_lightness(), lens / max(forehead, 8.0), lens / max(nose, 8.0))

    def _middle(self, left: float, top: float, right: float, bottom: float) -> Lab:
        """Lab around the middle between the eyes, offsets in eye distances."""
        x, y = (PATCH_EYES[0][0] + PATCH_EYES[1][0]) / 2, PATCH_EYES[0][1]
        rows = slice(int(y + top * PATCH_IED), int(y + bottom * PATCH_IED))
        return self.lab[rows, int(x + left * PATCH_IED) : int(x + right * PATCH_IED)]

    @cached_property
    def whites(self) -> tuple[float, float]:
        """L* of the white of both eyes, over the skin's or its highlights'."""
        left, right = (eye.white() / eye.scale_l for eye in self.eyes.both)
        return left, right

    @cached_property
    def light_through(self) -> float:
        """Lightness under the lens, 1 when clear, times that of the white, of the lighter lens.

        Deep sockets darken the one, poor light the other, only a lens both; no skin is so dark
        that it hides what a lens takes from the white of the eye.
        """
        both = zip(self._lightnesses, self.whites, strict=True)
        return max(lightness * min(1.0, white) for lightness, white in both)

    def lens_step(self) -> float:
        """How much lighter the cheek is than all that lies above the lens's edge, of the lesser.

        Logarithm of a ratio of L*. A socket brightens gradually or nearer the eye, a clear lens
        hardly darkens, and a rim is thinner than the rows that must be dark.
        """
        return min(_find_step(eye.window(*_LENS_TO_CHEEK)[..., 0]) for eye in self.eyes.both)

    def one_sidedness(self) -> float:
        """How much lighter the one lens is than the other, under it or in the eye: 1 when alike.

        The lesser of both ratios counts: light from the side lightens more of the skin.
        """
        pairs = self._lightnesses, self.whites
        return min(max(pair) / max(0.01, min(pair)) for pair in pairs)

    def lens_colour(self) -> float:
        """The colour that skin under the lens and white of the eye share, of the weaker lens.

        Geometric mean of both distances in (a*, b*), from the cheek and from an ordinary white.
        Make-up and reflections colour the one or the other. Where no eye is seen behind a lens, as
        in a mirror, the skin's alone.
        """
        sides = zip(self.eyes.both, self._lenses_and_cheeks, strict=True)
        return min(self._shared_colour(eye, lens, cheek) for eye, (lens, cheek) in sides)

    def _shared_colour(self, eye: Eye, lens: Lab, cheek: Lab) -> float:
        shade = lens[0] / max(cheek[0], 8.0)
        whites = eye.white_colours
        if shade > _BRIGHTER or not len(whites):
            return 0.0
        # a shaded socket loses chroma, a cast on the whole picture does not
        away = min((lens[1:] - kept * cheek[1:] for kept in (shade, 1.0)), key=np.linalg.norm)
        of_skin = float(np.linalg.norm(away))
        white = find_median_colour(whites)[1:] - _WHITE_CHROMA * self.skin.colour[1:]
        of_white = float(white @ away) / max(of_skin, 1e-6)
        shared = float(np.sqrt(of_skin * np.clip(of_white, 0.0, _MOST_OF_SKIN * of_skin)))
        return shared if eye.openness > _EYE_SEEN else max(shared, of_skin)

    def glare_share(self) -> float:
        """White share of the lens box, of the worse eye, less that of the cheeks."""
        shares = [find_share(e.window(*_GLARE_BOX)[..., 0] > _GLARE_L) for e in self.eyes.both]
        cheeks = np.concatenate(self.skin.cheeks)[:, 0]
        return max(shares) - find_share(cheeks > _GLARE_L)

    def rim_share(self) -> float:
        """Dark share beside both corners of the eye, where a rim crosses and no lash reaches."""
        return float(np.mean([self._rim_beside(eye) for eye in self.eyes.both]))

    def _rim_beside(self, eye: Eye) -> float:
        y = eye.centre[1]
        rows = slice(int(y - 0.10 * PATCH_IED), int(y + 0.16 * PATCH_IED))
        x0, x1 = float(eye.lids[0, 0]), float(eye.lids[3, 0])
        near, far = 0.09 * PATCH_IED, 0.12 * PATCH_IED
        is_left = eye is self.eyes.left
        left = self.lab[rows, int(x0 - (far if is_left else near)) : int(x0 - 2), 0]
        right = self.lab[rows, int(x1 + 3) : int(x1 + (near if is_left else far)), 0]
        dark = _RIM_SHARE_OF_SKIN * self.skin.lightness
        return min(find_share(side < dark) for side in (left, right))
