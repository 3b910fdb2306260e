"""eyes.closed: both eyes are open."""

from __future__ import annotations

from imagecheck.analysis import Analysis
from imagecheck.faces import measure_lid_areas
from imagecheck.measures.eyes import Eyes
from imagecheck.measures.glasses import hides_eyes
from imagecheck.measures.hair import Hair
from imagecheck.measures.lid_line import measure_sag
from imagecheck.rules.base import Measured, Rule, Say

_RED_SHARE = 0.1
_UNDECIDED, _CLEAR = 0.75, 1.1
"""Above the first the picture no longer speaks for an open eye; above the second it alone is reason
for a look: 5 of 236 open-eyed portraits, and lids that the landmarks do not see."""
_ALONE = 0.95
"""What one clear sign alone amounts to."""
_WORTH_A_LINE, _CLOSE_LOOK = 0.7, 0.9
"""So near its limit the picture is worth a look at the lids' line, a sixth of a millisecond long;
and a closer one by a net, three milliseconds long."""
_SAG = 1.8
"""Open eyes reach 1.31, behind a blur 1.66; lids that both nets take for open have 2.4 and more."""
_LEAST_AREA, _LEAST_LIKE = 0.11, 0.6
"""Area between the lids over the square of their width, and that of the narrower eye over the
other's. Set on 236 open-eyed portraits alone: there from 0.131 and 0.65; drawn closed eyes have
0.08 and a wink 0.35 on the average."""


def _measure(analysis: Analysis) -> Measured:
    eyes = analysis.part(Eyes)
    if eyes.red_share > _RED_SHARE:
        return None  # a flash shines out of an open eye
    picture, lids = eyes.image_closed / _UNDECIDED, eyes.lids.closed
    line = _judge_line(analysis) if picture > _WORTH_A_LINE else 0.0
    if picture > _CLOSE_LOOK:
        lids = max(lids, line)
        if lids <= 1:
            lids = max(lids, _look_closely(analysis))
    both = min(lids, picture)
    is_clear = line > 1 or eyes.image_closed > _CLEAR
    return max(both, _ALONE) if is_clear else both


def _judge_line(analysis: Analysis) -> float:
    """1 and more when the line of the less open eye's lids hangs below its corners."""
    line = measure_sag(min(analysis.part(Eyes).both, key=lambda eye: eye.openness)) / _SAG
    if line > _CLOSE_LOOK and (not _are_whole(analysis) or _is_before_eyes(analysis)):
        return 0.0  # it may be that of the picture's edge, of a glare or of hair
    return line


def _are_whole(analysis: Analysis) -> bool:
    lids = analysis.points[36:48]
    return bool((lids >= 0).all() and (lids < (analysis.width, analysis.height)).all())


def _is_before_eyes(analysis: Analysis) -> bool:
    """Whether something that has a line of its own may hide the eyes."""
    _, most = analysis.profile.limit("hair.brows").warn
    has_fringe = most is not None and analysis.part(Hair).above_brows() > most
    return has_fringe or hides_eyes(analysis)


def _look_closely(analysis: Analysis) -> float:
    """1 and more when the lids touch, as a net sees them that is shown one eye at a time."""
    mesh = analysis.face and analysis.face.mesh
    if hides_eyes(analysis):
        return 0.0  # the net would see the glare
    areas = mesh and measure_lid_areas(analysis.pixels, mesh)
    if not areas:
        return 0.0
    narrow, wide = max(min(areas), 0.01), max(areas)
    return max(_LEAST_AREA / narrow, _LEAST_LIKE * wide / narrow)


RULE = Rule(
    code="eyes.closed",
    clause="双眼自然睁开",
    method=(
        "Two independent signs of the worse eye, each over its limit, the weaker one counts: the "
        "picture (no iris, pupil or white between the lids, skin where the iris should be) and the "
        "lids (a learned blink, their height over their width, one eye against the other; in doubt "
        "a dark line that sags below the corners, or the area that a second net sees). "
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
