"""eyes.closed: both eyes are open."""

from __future__ import annotations

from imagecheck.analysis import Analysis
from imagecheck.measures.eyes import Eyes
from imagecheck.rules.base import Measured, Rule, Say

_RED_SHARE = 0.1
_UNDECIDED, _CLEAR = 0.75, 1.1
"""Above the first the picture no longer speaks for an open eye; above the second it alone is reason
for a look: 5 of 236 open-eyed portraits, and lids that the landmarks do not see."""
_PICTURE_ALONE = 0.95


def _measure(analysis: Analysis) -> Measured:
    eyes = analysis.part(Eyes)
    if eyes.red_share > _RED_SHARE:
        return None  # a flash shines out of an open eye
    both = min(eyes.lids.closed, eyes.image_closed / _UNDECIDED)
    return max(both, _PICTURE_ALONE) if eyes.image_closed > _CLEAR else both


RULE = Rule(
    code="eyes.closed",
    clause="双眼自然睁开",
    method=(
        "Two independent signs of the worse eye, each over its limit, the weaker one counts: the "
        "picture (no iris, pupil or white between the lids, skin where the iris should be) and the "
        "lids (a learned blink, their height over their width, or one eye against the other). "
        "Neither fails alone, so narrow eyes and glasses pass."
    ),
    measurement="eye_closed",
    measure=_measure,
    high=Say(
        "眼睛没有睁开",
        "请自然睁开双眼，看着镜头再拍",
        "an eye is closed",
        "open both eyes, look at the camera and take it again",
        hint="眼睛可能没有完全睁开",
        hint_en="an eye may not be quite open",
    ),
    digits=2,
)
