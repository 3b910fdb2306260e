"""A photo profile (照片规格): what one use of a photo asks for, as data that a college may edit.

Plain Python: console and exports read profiles, and a web process loads no image library.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import Any, Literal

Measure = Literal["top", "head", "head_neck", "shoulders", "eye_line", "face_width"]
Unit = Literal["px", "share"]
Confidence = Literal["high", "medium", "low"]

MEASURES: Mapping[Measure, str] = MappingProxyType(
    {
        "top": "头顶到上边",
        "head": "头顶到下巴",
        "head_neck": "头顶到颈根",
        "shoulders": "颈根到下边",
        "eye_line": "眼睛到上边",
        "face_width": "脸宽",
    }
)
"""What a rule about the head may speak of, in Chinese."""
WALLS: Mapping[str, str] = MappingProxyType({"blue": "浅蓝色", "white": "白色", "grey": "浅灰色"})
MM_PER_INCH = 25.4
PX_DIGITS, SHARE_DIGITS = 1, 4


@dataclass(frozen=True, slots=True)
class HeadRule:
    """An allowed band of one measure of the head.

    Attributes:
        low, high: both ends allowed.
        unit: ``px`` of the finished picture, or ``share`` of its height (of its width for
            ``face_width``).
    """

    low: float
    high: float
    unit: Unit = "share"

    def in_px(self, side_px: int) -> tuple[float, float]:
        """The band in pixels of a picture whose side is so long."""
        factor = side_px if self.unit == "share" else 1
        return self.low * factor, self.high * factor


@dataclass(frozen=True, slots=True)
class PhotoProfile:
    """What one use of a photo asks for.

    Attributes:
        key: stable short name, as on the command line.
        title: what people call it.
        width_px, height_px: of the picture.
        dpi: density that the file states.
        min_kb, max_kb: size of the file; ``None`` where the use does not say.
        walls: allowed colours of the wall, names of `WALLS`; empty: any.
        head: allowed bands by measure; empty: framed as the standard photo is.
        file_name: how an internal export names the file: ``student_no``, ``id_number`` or empty
            for what the export chooses.
        derived_wall: colour that a plain wall may be changed to, where its own is not allowed;
            empty (the default): a wall is never changed.
        is_standard: the use takes the standard photo itself, as it was approved.
        source, dated: who says so, and when.
        confidence: how sure we are of the source.
    """

    key: str
    title: str
    width_px: int
    height_px: int
    dpi: int = 300
    min_kb: float | None = None
    max_kb: float | None = None
    walls: tuple[str, ...] = ()
    head: Mapping[Measure, HeadRule] = field(default_factory=dict)
    file_name: str = ""
    derived_wall: str = ""
    is_standard: bool = False
    source: str = ""
    dated: str = ""
    confidence: Confidence = "medium"

    @property
    def size_mm(self) -> tuple[float, float]:
        """Width and height on paper."""
        return self.width_px / self.dpi * MM_PER_INCH, self.height_px / self.dpi * MM_PER_INCH

    def with_wall(self, colour: str | None) -> PhotoProfile:
        """The same, allowed to change a wall to that colour, or to the first that it accepts."""
        if not colour:
            return self
        is_accepted = not self.walls or colour in self.walls
        return replace(self, derived_wall=colour if is_accepted else self.walls[0])

    def side_px(self, measure: Measure) -> int:
        """The side that shares of this measure are taken of."""
        return self.width_px if measure == "face_width" else self.height_px

    def bands_px(self) -> dict[Measure, tuple[float, float]]:
        """The rules about the head in pixels of the picture."""
        return {name: rule.in_px(self.side_px(name)) for name, rule in self.head.items()}

    def to_json(self) -> dict[str, Any]:
        """The profile as plain values."""
        values = {name: getattr(self, name) for name in self.__slots__}
        values["walls"] = list(self.walls)
        values["head"] = {
            name: [rule.low, rule.high, rule.unit] for name, rule in self.head.items()
        }
        return values

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> PhotoProfile:
        """The profile of plain values that `to_json` gave.

        Raises:
            TypeError, ValueError: they are no profile.
        """
        head = {name: HeadRule(*rule) for name, rule in values.get("head", {}).items()}
        return cls(**{**values, "walls": tuple(values.get("walls", ())), "head": head})
