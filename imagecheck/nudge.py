"""A reviewer's hand on the crop: a shift and a size against the automatic framing.

Plain numbers, so that a page can tell beforehand where the measured lines will come to lie.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

MAX_SHIFT_PX = 160
PERCENT = (70, 140)
"""Smallest and largest size; what lies beyond the picture or the bands is refused anyway."""
_MIDDLE_PX = (240.0, 320.0)


@dataclass(frozen=True, slots=True)
class Nudge:
    """How the person moves in the 480x640 frame, against where the automatic crop put them.

    Attributes:
        right_px: to the right; negative to the left.
        down_px: downwards; negative upwards.
        percent: size around the middle of the frame; 100 leaves it.
    """

    right_px: int = 0
    down_px: int = 0
    percent: int = 100

    def __post_init__(self) -> None:
        low, high = PERCENT
        if not (
            abs(self.right_px) <= MAX_SHIFT_PX
            and abs(self.down_px) <= MAX_SHIFT_PX
            and low <= self.percent <= high
        ):
            raise ValueError("nudge out of range")

    @property
    def is_none(self) -> bool:
        """Whether it leaves everything where it is."""
        return self == Nudge()

    @property
    def factor(self) -> float:
        """The size as a factor."""
        return self.percent / 100

    def shift(self) -> tuple[float, float]:
        """``(dx, dy)`` of ``target = factor * source + (dx, dy)`` in pixels of the frame."""
        x, y = _MIDDLE_PX
        return x - self.factor * x + self.right_px, y - self.factor * y + self.down_px

    def predict(self, measured: Mapping[str, float], *, after: Nudge) -> dict[str, float]:
        """Where this nudge puts what was measured on a photo that ``after`` had made.

        Keys: ``head_top_px``, ``eye_line_px``, ``face_width_px``, ``off_centre_px``; those that
        were not measured are left out.
        """
        ratio = self.factor / after.factor
        dx, dy = self.shift()
        old_dx, old_dy = after.shift()
        found = {}
        for name in ("head_top_px", "eye_line_px"):
            if name in measured:
                found[name] = ratio * (measured[name] - old_dy) + dy
        if "face_width_px" in measured:
            found["face_width_px"] = ratio * measured["face_width_px"]
        if "off_centre_px" in measured:
            middle = _MIDDLE_PX[0]
            found["off_centre_px"] = (
                ratio * (measured["off_centre_px"] + middle - old_dx) + dx - middle
            )
        return found
