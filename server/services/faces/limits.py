"""How near is like, how far is unlike: three words instead of a number. Figures: docs/faces.md."""

from __future__ import annotations

from collections.abc import Sequence

LIKE = (0.30, 0.36, 0.40)
"""Distance of two people up to which they are 很像, 像, 有些像. Calibrated on photobench on
2026-11-27 (239 pairs of one sex and origin; their lower tail taken as normal): within 0.30 at
most 0.5 of 100 photos of a college of 20,000 are called alike by chance (95 % over people)."""
UNLIKE = (0.60, 0.52, 0.45)
"""Distance of a photo to the nearest earlier one of the same student, or to the reference, from
which they are 很不像, 不像, 有些不像. One person neutral and smiling: at most 0.33 (18 people)."""
MOST_SHOWN = 3
WEAKEST, STRONGEST = 1, 3
MOST_SHARE = 0.01
"""Of the measured photos of a college, so many at most carry a shown hint of one kind."""
FEW_PHOTOS = 10
"""So many may always, or a small college would never see a pair."""


def find_step(distance: float, limits: Sequence[float]) -> int:
    """Return 3 for the strongest word, 1 for the weakest; ``limits`` rise."""
    for step, limit in zip((STRONGEST, 2, WEAKEST), limits, strict=True):
        if distance <= limit:
            return step
    return WEAKEST


def find_unlike_step(distance: float) -> int:
    """Return 3 for the farthest, 1 for the nearest of those that are unlike."""
    return find_step(-distance, [-each for each in UNLIKE])


def find_weakest_shown(photos_by_step: dict[int, int], measured: int) -> int:
    """Return the weakest step that is shown; 4: none, for even the strongest word is too common.

    Extrapolated limits may be wrong for the faces of a college. Whatever they do, the words that
    are shown touch at most ``MOST_SHARE`` of its photos: the weaker ones are left out first.

    Args:
        photos_by_step: photos whose strongest hint of one kind has this step.
        measured: photos of the college with a measurement.
    """
    room = max(FEW_PHOTOS, int(MOST_SHARE * measured))
    for step in (STRONGEST, 2, WEAKEST):
        room -= photos_by_step.get(step, 0)
        if room < 0:
            return step + 1
    return WEAKEST
