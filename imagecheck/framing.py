"""Where to cut the standard photo out of a picture: one uniform scale and a shift, nothing else."""

from __future__ import annotations

from dataclasses import dataclass
from functools import reduce
from typing import Literal

import numpy as np
import numpy.typing as npt

from imagecheck.analysis import FRAME_PX, Analysis
from imagecheck.profile import Profile
from imagecheck.report import Finding, write_sentence

Side = Literal["top", "right", "bottom", "left"]
Floats = npt.NDArray[np.float64]

COMFORT = {"head_top": 78.0, "eye_line": 252.0, "face_width": 220.0}
"""Where a photo is best framed, px: the middle of the bands, moved a little so that all three fit
the middle of 47 measured heads (eye line to hair top is 0.83 face widths)."""

SLACK = {"head_top": 26.0, "eye_line": 40.0, "face_width": 45.0, "off_centre": 7.0}
"""How far from there a value may drift before it costs as much as the others do, px."""

MARGINS_PX = (8.0, 4.0, 1.0)
"""Distance kept to the ends of the allowed bands, for the landmarks' own error; the next one is
tried when the first cannot be had."""

MAX_OFF_CENTRE_PX = 14.0
_ROUNDING_PX = 0.5
UNMEASURED_HAIR_TOP = 0.83
"""Eye line to hair top in face widths when the wall is not plain (median of 47 heads)."""


@dataclass(frozen=True, slots=True)
class Head:
    """What framing needs to know, in pixels of the analysis' view.

    Attributes:
        centre_x: middle of the face.
        eye_y: eye line.
        hair_top_y: hair top; estimated from the face width when the wall is not plain.
        face_width: cheek to cheek.
    """

    centre_x: float
    eye_y: float
    hair_top_y: float
    face_width: float

    @classmethod
    def of_analysis(cls, analysis: Analysis) -> Head:
        """The head as measured in this view; `LookupError` when there is no face."""
        hair_top = analysis.hair_top_px
        if hair_top is None:
            hair_top = analysis.eye_line_px - UNMEASURED_HAIR_TOP * analysis.face_width_px
        return cls(
            analysis.face_centre_x_px, analysis.eye_line_px, hair_top, analysis.face_width_px
        )

    def mapped(self, placement: Placement) -> Head:
        """The same head where the placement puts it."""
        x, y = placement.map_point(self.centre_x, self.eye_y)
        hair_top = placement.map_point(self.centre_x, self.hair_top_y)[1]
        return Head(x, y, hair_top, self.face_width * placement.factor)


@dataclass(frozen=True, slots=True)
class Placement:
    """How one picture lies in another: ``target = factor * source + (dx, dy)``."""

    factor: float
    dx: float
    dy: float

    def map_point(self, x: float, y: float) -> tuple[float, float]:
        """A point of the source in the target."""
        return self.factor * x + self.dx, self.factor * y + self.dy

    def then(self, other: Placement) -> Placement:
        """This placement and the other one after it."""
        return Placement(other.factor * self.factor, *other.map_point(self.dx, self.dy))

    def inverse(self) -> Placement:
        """The way back."""
        return Placement(1 / self.factor, -self.dx / self.factor, -self.dy / self.factor)

    def source_box(self, size: tuple[int, int]) -> tuple[float, float, float, float]:
        """Left, top, right, bottom in the source of a target of that width and height."""
        back = self.inverse()
        return (*back.map_point(0, 0), *back.map_point(*size))


@dataclass(frozen=True, slots=True)
class NoRoom:
    """The head is too near the border of the picture to be framed.

    Attributes:
        sides: where room is missing.
        missing: by how much the photo would have to grow there, as a share of the face width.
    """

    sides: tuple[Side, ...]
    missing: float

    def to_finding(self) -> Finding:
        """What to tell the student."""
        zh = "和".join(_SIDES_ZH[side] for side in self.sides)
        sides = " and ".join(_SIDES_EN[side] for side in self.sides)
        if len(self.sides) > _MOST_NAMED:
            zh, sides = "四周", "every side"
        advice = f"请离镜头远一点，在头的{zh}多留些空白"
        return Finding(
            code="face.cut_off",
            status="fail",
            value=", ".join(self.sides),
            limit="room on every side",
            unit="",
            clause="头部居中，四周留有空白",
            message=write_sentence(f"头离照片{zh}的边太近，裁不出标准照片", advice),
            message_en=write_sentence(
                "the head is too near the edge to be framed",
                f"step back and leave more room at {sides}",
                language="en",
            ),
            advice=advice,
        )


_MOST_NAMED = 2
_SIDES_ZH: dict[Side, str] = {"top": "上方", "right": "右边", "bottom": "下方", "left": "左边"}
_SIDES_EN: dict[Side, str] = {
    "top": "the top",
    "right": "the right",
    "bottom": "the bottom",
    "left": "the left",
}


def plan_placement(head: Head, view_size: tuple[int, int], profile: Profile) -> Placement | NoRoom:
    """The best uniform scale and shift that puts the head inside every band of the profile.

    Heads that no scale can bring into all bands (very high hair) are placed as well as they can be:
    the rules will say what is wrong with them.

    Args:
        head: in pixels of the view.
        view_size: width and height of the view; the frame never reaches beyond it.
        profile: the bands.
    """
    options = _Options(head, view_size)
    for margin in MARGINS_PX:
        usable = options.is_covered & (options.violation(profile, margin) <= 0)
        if usable.any():
            return options.best(usable)
    violation = options.violation(profile, MARGINS_PX[-1])
    is_odd_head = bool((violation > 0).all())
    if is_odd_head and options.is_covered.any():
        least = violation[options.is_covered].min()
        return options.best(options.is_covered & (violation <= least + 2))
    return options.missing_room(violation <= max(0.0, float(violation.min())))


def find_overflow(placement: Placement, view_size: tuple[int, int]) -> NoRoom | None:
    """Where the frame reaches beyond the view by more than half a pixel of the frame."""
    (left, top), (right, bottom) = (
        placement.map_point(0, 0),
        placement.map_point(*map(float, view_size)),
    )
    beyond: dict[Side, float] = {
        "top": top,
        "right": FRAME_PX[0] - right,
        "bottom": FRAME_PX[1] - bottom,
        "left": left,
    }
    sides = tuple(side for side, over in beyond.items() if over > _ROUNDING_PX)
    return NoRoom(sides, max(beyond.values()) / FRAME_PX[0]) if sides else None


class _Options:
    """All placements worth a look: scale, eye line and shift, each along a side of its own."""

    def __init__(self, head: Head, view_size: tuple[int, int]) -> None:
        self.face_width, self.eye_line, self.off_centre = np.meshgrid(
            np.arange(150.0, 320.0, 3),
            np.arange(170.0, 330.0, 3),
            np.arange(-14.0, 14.1, 2),
            sparse=True,
        )
        self.factor = self.face_width / head.face_width
        self.head_top = self.eye_line - self.factor * (head.eye_y - head.hair_top_y)
        self.dx = FRAME_PX[0] / 2 + self.off_centre - self.factor * head.centre_x
        self.dy = self.eye_line - self.factor * head.eye_y
        self.overflow = self._measure_overflow(view_size)
        self.is_covered = reduce(np.maximum, self.overflow.values()) <= 0

    def _measure_overflow(self, view_size: tuple[int, int]) -> dict[Side, Floats]:
        """Frame pixels that would lie outside the view, per side."""
        w, h = view_size
        return {
            "top": self.dy,
            "right": FRAME_PX[0] - (self.factor * w + self.dx),
            "bottom": FRAME_PX[1] - (self.factor * h + self.dy),
            "left": self.dx,
        }

    def _values(self) -> dict[str, Floats]:
        return {
            "head_top": self.head_top,
            "eye_line": self.eye_line,
            "face_width": self.face_width,
        }

    def violation(self, profile: Profile, margin: float) -> Floats:
        """Pixels by which the worst value misses its band, shrunk by ``margin`` at both ends."""
        worst: Floats = np.array(-np.inf)
        for name, values in self._values().items():
            low, high = profile.limit(f"geometry.{name}").fail
            if low is not None:
                worst = np.maximum(worst, low + margin - values)
            if high is not None:
                worst = np.maximum(worst, values - (high - margin))
        # the shift last: all before it depends on scale and eye line only
        return np.asarray(
            np.maximum(worst, np.abs(self.off_centre) - MAX_OFF_CENTRE_PX), np.float64
        )

    def _cost(self) -> Floats:
        cost = (self.off_centre / SLACK["off_centre"]) ** 2
        for name, values in self._values().items():
            cost = cost + ((values - COMFORT[name]) / SLACK[name]) ** 2
        return np.asarray(cost, np.float64)

    def best(self, usable: npt.NDArray[np.bool_]) -> Placement:
        """The most comfortable of the usable placements."""
        i = int(np.argmin(np.where(usable, self._cost(), np.inf)))
        return Placement(self._at(self.factor, i), self._at(self.dx, i), self._at(self.dy, i))

    def missing_room(self, wanted: npt.NDArray[np.bool_]) -> NoRoom:
        """Which sides would have to grow for the wanted placement that needs the least."""
        total = sum(np.maximum(over, 0) for over in self.overflow.values())
        i = int(np.argmin(np.where(wanted, total + 0.5 * self._cost(), np.inf)))
        missing = {side: self._at(over, i) for side, over in self.overflow.items()}
        sides = tuple(side for side, over in missing.items() if over > 0)
        return NoRoom(sides, max(missing.values()) / self._at(self.face_width, i))

    def _at(self, values: Floats, place: int) -> float:
        """The value of one placement, counted through all of them."""
        return float(np.broadcast_to(values, self.is_covered.shape).flat[place])
