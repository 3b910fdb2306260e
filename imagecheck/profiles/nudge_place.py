"""A reviewer's hand on the standard photo, carried over to another use's picture."""

from __future__ import annotations

from imagecheck.nudge import Nudge
from imagecheck.profiles.photo_profile import PhotoProfile
from imagecheck.profiles.place import HeadLines, Place, Span

STANDARD_FACE_PX = 220.0
"""Face width where the standard photo is best framed: a shift is a share of the face."""
_STEPS = (1.0, 0.75, 0.5, 0.25)
"""What of the move is tried, all of it first."""
_ROUNDING = 0.5


def nudge_place(
    place: Place,
    nudge: Nudge,
    head: HeadLines,
    profile: PhotoProfile,
    source: Span,
    max_factor: float,
) -> Place:
    """The place moved as far as the profile's own rules and the shot allow; else as it was.

    Args:
        place: where the profile is cut without a hand.
        nudge: what was done to the standard photo.
        head: in pixels of the source.
        profile: size and bands.
        source: width and height of the source, which the cut never leaves.
        max_factor: beyond it pixels would be enlarged.
    """
    for step in () if nudge.is_none else _STEPS:
        moved = _move(place, nudge, head, profile, step)
        if moved.factor <= max_factor and _is_allowed(moved, head, profile, source):
            return moved
    return place


def _move(place: Place, nudge: Nudge, head: HeadLines, profile: PhotoProfile, step: float) -> Place:
    """A part of the move: sizes around the middle, shifts in the measure of the face."""
    factor = 1 + (nudge.factor - 1) * step
    ratio = step * place.factor * head.face_width / STANDARD_FACE_PX
    middle = profile.width_px / 2, profile.height_px / 2
    return Place(
        factor * place.factor,
        factor * (place.dx - middle[0]) + middle[0] + nudge.right_px * ratio,
        factor * (place.dy - middle[1]) + middle[1] + nudge.down_px * ratio,
    )


def _is_allowed(place: Place, head: HeadLines, profile: PhotoProfile, source: Span) -> bool:
    lines = head.mapped(place.factor, place.dx, place.dy)
    is_in_bands = all(
        low <= lines.measure(name, profile.height_px) <= high
        for name, (low, high) in profile.bands_px().items()
    )
    right = place.dx + source[0] * place.factor
    bottom = place.dy + source[1] * place.factor
    return (
        is_in_bands
        and max(place.dx, place.dy) <= _ROUNDING
        and right >= profile.width_px - _ROUNDING
        and bottom >= profile.height_px - _ROUNDING
    )
