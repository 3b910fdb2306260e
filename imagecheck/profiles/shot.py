"""One upload, looked at once: the picture, the head in it, and its wall."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from math import ceil

import numpy as np

from imagecheck.analysis import FRAME_PX, Analysis
from imagecheck.decode import Picture, Rgb, decode
from imagecheck.faces import Search
from imagecheck.framing import Placement
from imagecheck.matting import lift_person
from imagecheck.nudge import Nudge
from imagecheck.profile import BLUE, GREY, WHITE
from imagecheck.profiles.judge_profile import LIMITS, WallSeen, measure_lines
from imagecheck.profiles.nudge_place import nudge_place
from imagecheck.profiles.photo_profile import WALLS, PhotoProfile
from imagecheck.profiles.place import SAME_SIZE, HeadLines, NoPlace, Place, find_place
from imagecheck.profiles.plate import Box, Plate
from imagecheck.report import Finding
from imagecheck.rules import (
    background_object,
    background_shadow,
    background_uneven,
    face_multiple,
)
from imagecheck.warp import warp

NO_NUDGE = Nudge()
_FIRST_LOOK_PX = (600, 800)
_NEAR = {"face_width": 190.0, "eye_line": 330.0}
"""Size and height at which the head is measured, px: as for the standard photo."""
_MATTING_FACE_PX, _LEAST_MATTING_FACE_PX = 220.0, 150.0
"""Face width that taking off the wall was made for, and below which hair is lost."""
_COLOURS = {"blue": BLUE, "white": WHITE, "grey": GREY}
_ABOUT_SHOT = (
    face_multiple.RULE,
    background_uneven.RULE,
    background_shadow.RULE,
    background_object.RULE,
)


class Shot:
    """One upload and everything that its cuts share."""

    def __init__(self, data: bytes) -> None:
        """Decode and look for the face; raises UndecodableError."""
        self._data = data
        self._changed: list[tuple[Place, Box]] = []
        self._turned_deg = 0
        self.picture = self._decode(_FIRST_LOOK_PX)
        self.view = self._look()
        if self.view.search.turned_deg:
            self._turned_deg = self.view.search.turned_deg
            self.picture = self.picture.turned(self._turned_deg)
            self.view = self._look()
        self.most = self.view.factor * self.picture.reduction
        """Pixels that were shot for one of the view."""

    def _decode(self, enough_px: tuple[int, int]) -> Picture:
        is_lying = self._turned_deg in (90, 270)
        picture = decode(self._data, enough_px=enough_px[::-1] if is_lying else enough_px)
        return picture.turned(self._turned_deg) if self._turned_deg else picture

    def _look(self) -> Analysis:
        view = Analysis.of_picture(self.picture, profile=LIMITS, mode="final")
        view.look_first()
        return view

    @cached_property
    def _near(self) -> tuple[Analysis, Placement]:
        """The head near the scale of a standard photo, and where that cut lies in the view.

        In a phone photo the wall further out may be anything; only what will be seen counts.
        """
        view = self.view
        factor = _NEAR["face_width"] / view.face_width_px
        wanted = Placement(
            factor,
            FRAME_PX[0] / 2 - factor * view.face_centre_x_px,
            _NEAR["eye_line"] - factor * view.eye_line_px,
        )
        left, top, right, bottom = wanted.source_box(FRAME_PX)
        box = max(0.0, left), max(0.0, top), min(view.width, right), min(view.height, bottom)
        size = round((box[2] - box[0]) * factor), round((box[3] - box[1]) * factor)
        cut = Placement(factor, -box[0] * factor, -box[1] * factor)
        near = Analysis(
            self._cut_roughly(cut, size),
            view.facts,
            profile=LIMITS,
            mode="final",
            search=Search(view.faces).mapped(cut.factor, cut.dx, cut.dy),
        )
        return near, cut

    def _cut_roughly(self, placement: Placement, size: tuple[int, int]) -> Rgb:
        """What the placement of the view shows, good enough to measure by."""
        factor = placement.factor * self.view.width / self.picture.pixels.shape[1]
        shift = (factor - 1) / 2  # pixels are squares, their coordinates are middles
        way = np.array([[factor, 0, placement.dx + shift], [0, factor, placement.dy + shift]])
        return warp(self.picture.pixels, way, size)

    @cached_property
    def head(self) -> HeadLines:
        """The head in pixels of the view."""
        near, cut = self._near
        back = cut.inverse()
        return measure_lines(near).mapped(back.factor, back.dx, back.dy)

    @cached_property
    def wall(self) -> WallSeen | None:
        """Its colour."""
        return WallSeen.of_analysis(self._near[0])

    @cached_property
    def findings(self) -> tuple[Finding, ...]:
        """What is wrong with the shot for every profile alike."""
        found = (rule.judge(self._near[0])[0] for rule in _ABOUT_SHOT)
        return tuple(finding for finding in found if finding is not None)

    def plan(
        self, profiles: Sequence[PhotoProfile], nudge: Nudge = NO_NUDGE
    ) -> dict[str, Place | NoPlace]:
        """Where each profile is cut; the picture is then decoded as large as the largest needs."""
        size = float(self.view.width), float(self.view.height)
        most = self.most * SAME_SIZE
        plans = {each.key: find_place(self.head, each, size, most) for each in profiles}
        plans |= {
            each.key: nudge_place(place, nudge, self.head, each, size, most)
            for each in profiles
            if isinstance(place := plans[each.key], Place)
        }
        factors = [each.factor for each in plans.values() if isinstance(each, Place)]
        enlargement = max(factors, default=0.0) / self.view.factor
        if enlargement > 1 and self.picture.reduction > 1:
            height, width = self.picture.pixels.shape[:2]
            self.picture = self._decode((ceil(width * enlargement), ceil(height * enlargement)))
        self._changed = [
            (place, source_box(place, each))
            for each in profiles
            if self.needs_wall(each) and isinstance(place := plans[each.key], Place)
        ]
        return plans

    def needs_wall(self, profile: PhotoProfile) -> bool:
        """Whether the profile wants its wall changed, and this one has to be."""
        walls = profile.walls or tuple(WALLS)
        is_other = self.wall is None or self.wall.nearest(walls) > 1
        is_faulty = any(
            finding.status == "fail" and finding.code.startswith("background.")
            for finding in self.findings
        )
        return bool(profile.derived_wall) and (is_other or is_faulty)

    @property
    def plate(self) -> Plate:
        """The picture as it was shot."""
        return Plate(self.picture.pixels, 0.0, 0.0, self.picture.pixels.shape[1] / self.view.width)

    def find_plate(self, colour: str) -> Plate | None:
        """The picture before a wall of that colour; ``None`` where its wall is not plain."""
        lifted = self._lifted
        return None if lifted is None else lifted.before(_COLOURS[colour])

    @cached_property
    def _lifted(self) -> Plate | None:
        """The person taken off the wall, on one plate for all pictures with a changed wall."""
        boxes = [box for _, box in self._changed]
        left, top = (min(box[side] for box in boxes) for side in (0, 1))
        right, bottom = (max(box[side] for box in boxes) for side in (2, 3))
        wanted = max(place.factor for place, _ in self._changed)
        factor = min(max(wanted, _MATTING_FACE_PX / self.head.face_width), self.most)
        if factor * self.head.face_width < _LEAST_MATTING_FACE_PX:
            return None
        size = round((right - left) * factor), round((bottom - top) * factor)
        pixels = self.plate.cut((left, top, right, bottom), size)
        cutout = lift_person(pixels, (self.view.points - (left, top)) * factor)
        return None if cutout is None else Plate(pixels, left, top, factor, cutout)


def source_box(place: Place, profile: PhotoProfile) -> Box:
    """What a picture shows, in pixels of the view."""
    left, top = -place.dx / place.factor, -place.dy / place.factor
    return (
        left,
        top,
        left + profile.width_px / place.factor,
        top + profile.height_px / place.factor,
    )
