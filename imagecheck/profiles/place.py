"""Where to cut a profile's picture out of a shot: one uniform scale and a shift.

Every measure of a head is linear in both, so for each scale the allowed shifts are an interval,
and the best shift has a closed form: no image library is needed to find out whether a profile can
be fulfilled at all.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import combinations
from typing import Literal

from imagecheck.profiles.photo_profile import Measure, PhotoProfile

Trouble = Literal["small", "room", "head"]
"""Too few pixels; too little wall around the head; no place satisfies this head."""
Span = tuple[float, float]

NECK_SHARE = 0.17
"""Neck below the chin until the shoulders begin, of hair top to chin: no landmark shows it. An
estimate, looked at on two real portraits only, 2026-11."""
SAME_SIZE = 1.005
"""Enlarging by less is rounding."""
_MARGINS = (0.25, 0.1, 0.0)
"""Share of a band kept free at both ends for the landmarks' own error; the next one is tried when
the first cannot be had."""
_STEPS = 32
_FAR = 1e9
_SIDES = ("top", "left", "right", "bottom")
_MAX_SHIFT_SHARE = 0.03
_FACE_SHARES = (0.3, 0.66)
"""Face widths between which a head is looked for, as shares of the picture's width."""
_PURE_SIZES: tuple[Measure, ...] = ("head", "head_neck", "face_width")
"""Measures that a shift does not change."""
_WISHES: dict[Measure, tuple[float, float]] = {
    "top": (0.122, 0.05),
    "eye_line": (0.394, 0.08),
    "face_width": (0.458, 0.10),
}
"""Where the standard photo is best framed, as shares, and how far a value may drift: a profile
without rules of its own looks like it."""


@dataclass(frozen=True, slots=True)
class HeadLines:
    """A head in pixels of some picture; y down from its upper edge.

    Attributes:
        centre_x: middle of the face.
        hair_top, eye, chin: rows.
        face_width: cheek to cheek.
        is_hair_seen: the hair top was measured; else it is estimated, because the wall is not
            plain.
    """

    centre_x: float
    hair_top: float
    eye: float
    chin: float
    face_width: float
    is_hair_seen: bool = True

    @property
    def neck(self) -> float:
        """Row where the neck ends, by the average of people."""
        return self.chin + NECK_SHARE * (self.chin - self.hair_top)

    def mapped(self, factor: float, dx: float, dy: float) -> HeadLines:
        """The same head where every coordinate became ``factor * value + d``."""
        return HeadLines(
            factor * self.centre_x + dx,
            factor * self.hair_top + dy,
            factor * self.eye + dy,
            factor * self.chin + dy,
            factor * self.face_width,
            self.is_hair_seen,
        )

    def measure(self, name: Measure, height: int) -> float:
        """One measure in a picture of that height, px."""
        return {
            "top": self.hair_top,
            "head": self.chin - self.hair_top,
            "head_neck": self.neck - self.hair_top,
            "shoulders": height - self.neck,
            "eye_line": self.eye,
            "face_width": self.face_width,
        }[name]


@dataclass(frozen=True, slots=True)
class Place:
    """``picture = factor * source + (dx, dy)``."""

    factor: float
    dx: float
    dy: float


@dataclass(frozen=True, slots=True)
class NoPlace:
    """Why there is none.

    Attributes:
        trouble: the kind.
        sides: where room is missing.
        wanted_px: face width that the source would need, where it is too small.
    """

    trouble: Trouble
    sides: tuple[str, ...] = ()
    wanted_px: float = 0.0


def find_place(
    head: HeadLines, profile: PhotoProfile, source: Span | None, max_factor: float | None
) -> Place | NoPlace:
    """The best place of a head in a profile's picture, inside every band.

    Args:
        head: in pixels of the source.
        profile: size and bands.
        source: width and height of the source, which the cut never leaves; ``None``: endless.
        max_factor: pixels of the picture for one of the source at which enlarging begins; ``None``:
            any.
    """
    for margin in _MARGINS:
        place = _search(head, profile, source, max_factor, margin)
        if place is not None:
            return place
    if _search(head, profile, None, None, 0.0) is None:
        return NoPlace("head")
    if max_factor is not None and _search(head, profile, None, max_factor, 0.0) is None:
        return NoPlace("small", wanted_px=_least_face_width(head, profile))
    sides = _missing_sides(head, profile, source, max_factor)
    return NoPlace("room", sides=sides)


def _search(
    head: HeadLines,
    profile: PhotoProfile,
    source: Span | None,
    max_factor: float | None,
    margin: float,
    open_sides: frozenset[str] = frozenset(),
) -> Place | None:
    """The best place that satisfies every band; ``open_sides`` of the source have no end."""
    bands = {name: _shrink(band, margin) for name, band in profile.bands_px().items()}
    best: tuple[float, Place] | None = None
    targets = _targets(profile, bands)
    for factor in _list_factors(head, profile, bands, max_factor):
        scaled = head.mapped(factor, 0.0, 0.0)
        rows = _allowed_rows(scaled, profile, bands)
        columns: Span | None = _wished_columns(scaled, profile)
        if source is not None:
            ends = _list_ends(profile, factor, source, open_sides)
            rows, columns = _cross(rows, ends[0]), _cross(columns, ends[1])
        if rows is None or columns is None:
            continue
        dy, cost = _settle(scaled, profile, targets, rows)
        middle = profile.width_px / 2 - scaled.centre_x
        dx = min(max(middle, columns[0]), columns[1])
        cost += ((dx - middle) / (_MAX_SHIFT_SHARE * profile.width_px)) ** 2
        if best is None or cost < best[0]:
            best = cost, Place(factor, dx, dy)
    return None if best is None else best[1]


def _shrink(band: Span, margin: float) -> Span:
    room = margin * (band[1] - band[0])
    return band[0] + room, band[1] - room


def _list_factors(
    head: HeadLines,
    profile: PhotoProfile,
    bands: Mapping[Measure, Span],
    max_factor: float | None,
) -> Iterable[float]:
    """Scales that satisfy the bands of pure size, the largest allowed one among them."""
    low, high = (share * profile.width_px / head.face_width for share in _FACE_SHARES)
    if max_factor is not None:
        high = min(high, max_factor)
    for name in _PURE_SIZES:
        if name in bands:
            value = head.measure(name, 0)
            low, high = max(low, bands[name][0] / value), min(high, bands[name][1] / value)
    if high < low:
        return []
    return [low + (high - low) * step / _STEPS for step in range(_STEPS + 1)]


def _allowed_rows(
    scaled: HeadLines, profile: PhotoProfile, bands: Mapping[Measure, Span]
) -> Span | None:
    """Shifts down that satisfy every band but those of pure size; ``None`` when there is none."""
    rows: Span | None = (-_FAR, _FAR)
    for name, (low, high) in bands.items():
        if name in _PURE_SIZES:
            continue
        value = scaled.measure(name, profile.height_px)
        span = (low - value, high - value)
        # less of the shoulders is seen the further the head moves down
        rows = _cross(rows, (-span[1], -span[0]) if name == "shoulders" else span)
    return rows


def _wished_columns(scaled: HeadLines, profile: PhotoProfile) -> Span:
    middle, slack = profile.width_px / 2 - scaled.centre_x, _MAX_SHIFT_SHARE * profile.width_px
    return middle - slack, middle + slack


def _cross(one: Span | None, other: Span) -> Span | None:
    if one is None:
        return None
    low, high = max(one[0], other[0]), min(one[1], other[1])
    return (low, high) if low <= high else None


def _settle(
    scaled: HeadLines, profile: PhotoProfile, targets: Mapping[Measure, Span], rows: Span
) -> tuple[float, float]:
    """The allowed shift nearest to all middles at once, and what it costs."""
    pulls: list[tuple[float, float]] = []  # wanted shift, weight
    cost = 0.0
    for name, (target, reach) in targets.items():
        weight = 1 / max(reach, 0.5) ** 2
        away = target - scaled.measure(name, profile.height_px)
        if name in _PURE_SIZES:
            cost += away**2 * weight
        else:
            pulls.append((-away if name == "shoulders" else away, weight))
    total = sum(weight for _, weight in pulls)
    wanted = sum(shift * weight for shift, weight in pulls) / total if total else 0.0
    dy = min(max(wanted, rows[0]), rows[1])
    return dy, cost + sum((dy - shift) ** 2 * weight for shift, weight in pulls)


def _targets(profile: PhotoProfile, bands: Mapping[Measure, Span]) -> dict[Measure, Span]:
    """Middle and reach of every rule, in px; where there is no rule, of the standard's framing."""
    targets = {name: ((low + high) / 2, (high - low) / 2) for name, (low, high) in bands.items()}
    if len(targets) > 1:
        return targets
    for name, (share, reach) in _WISHES.items():
        side = profile.side_px(name)
        targets.setdefault(name, (share * side, reach * side))
    return targets


def _least_face_width(head: HeadLines, profile: PhotoProfile) -> float:
    """Face width in the finished picture from which the bands can be satisfied, px."""
    bands = profile.bands_px()
    for factor in _list_factors(head, profile, bands, None):
        if _allowed_rows(head.mapped(factor, 0, 0), profile, bands) is not None:
            return factor * head.face_width
    return 0.0


def _list_ends(
    profile: PhotoProfile, factor: float, source: Span, open_sides: frozenset[str]
) -> tuple[Span, Span]:
    """Shifts down and to the right at which the picture lies within the source."""
    width, height = source
    rows = (
        -_FAR if "bottom" in open_sides else profile.height_px - factor * height,
        _FAR if "top" in open_sides else 0.0,
    )
    columns = (
        -_FAR if "right" in open_sides else profile.width_px - factor * width,
        _FAR if "left" in open_sides else 0.0,
    )
    return rows, columns


def _missing_sides(
    head: HeadLines, profile: PhotoProfile, source: Span | None, max_factor: float | None
) -> tuple[str, ...]:
    """The fewest sides at which the source would have to go on."""
    for count in range(1, len(_SIDES)):
        for sides in combinations(_SIDES, count):
            if _search(head, profile, source, max_factor, 0.0, frozenset(sides)) is not None:
                return sides
    return _SIDES
