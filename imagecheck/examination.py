"""One pass over an upload: verdict, standard photo and overlay.

What the server calls. The parts are the library's own: `capture.make_standard` makes the file,
`judge.judge` judges its very bytes, `overlay.draw_overlay` draws what was measured.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, replace

from imagecheck.analysis import FRAME_PX, Analysis
from imagecheck.capture import Background, Capture, keep_coded_pixels, make_standard
from imagecheck.decode import UndecodableError, decode
from imagecheck.judge import judge, refuse
from imagecheck.nudge import Nudge
from imagecheck.overlay import draw_overlay
from imagecheck.picture_hash import hash_picture
from imagecheck.profile import Profile, find_profile
from imagecheck.report import Mode, Report
from imagecheck.rules.base import Rule

__all__ = ["Background", "Examination", "Judged", "examine", "judge_upload"]


@dataclass(frozen=True, slots=True)
class Examination:
    """All that one upload yields.

    Attributes:
        report: the verdict.
        standard_jpeg: the 480x640 file; ``None`` when it could not be made.
        overlay_svg: measured lines and allowed bands over ``standard_jpeg``; ``None`` without it.
        hashes: coarse and fine, of the standard photo, to find it again; ``None`` without it.
    """

    report: Report
    standard_jpeg: bytes | None = None
    overlay_svg: str | None = None
    hashes: tuple[str, str] | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Judged:
    """The verdict on one upload, and what it was reached on.

    Attributes:
        report: the verdict.
        analysis: of what was judged; ``None`` when there is no picture.
        jpeg: the file of the standard photo; ``None`` when there is none.
    """

    report: Report
    analysis: Analysis | None = None
    jpeg: bytes | None = None


def examine(
    data: bytes,
    *,
    mode: Mode = "capture",
    profile: str = "moe-2017",
    background: Background = "auto",
    nudge: Nudge | None = None,
) -> Examination:
    """Judge an upload and make the standard photo of it; every input gets a report.

    Args:
        data: the bytes of the file, whatever they are.
        mode: ``capture`` judges the standard photo that is made of the file; ``final`` the file
            itself, which is then its own standard photo if file and framing comply.
        profile: name of the table of limits.
        background: ``auto`` gives a plain wall that would fail the nearest reference colour,
            ``keep`` leaves it alone, a colour is given to every plain wall.
        nudge: in ``capture`` mode, moves the crop against the automatic one.

    Raises:
        ValueError: there is no such profile.
    """
    judged = judge_upload(
        data, mode=mode, profile=find_profile(profile), background=background, nudge=nudge
    )
    if judged.analysis is None or judged.jpeg is None:
        return Examination(judged.report)
    overlay = draw_overlay(judged.analysis, judged.report)
    return Examination(judged.report, judged.jpeg, overlay, hash_picture(judged.analysis.pixels))


def judge_upload(
    data: bytes,
    *,
    mode: Mode,
    profile: Profile,
    background: Background = "auto",
    nudge: Nudge | None = None,
) -> Judged:
    """Judge the file, or in ``capture`` mode the standard photo that is made of it."""
    start = time.perf_counter()
    try:
        if mode == "capture":
            return _judge_capture(make_standard(data, profile, background, nudge), start)
        picture = decode(data, enough_px=FRAME_PX)
    except UndecodableError as error:
        return Judged(refuse(error, mode, profile, start))
    analysis = Analysis.of_picture(picture, profile=profile, mode=mode)
    return Judged(judge(analysis, start), analysis, keep_coded_pixels(data, analysis))


def _judge_capture(capture: Capture, start: float) -> Judged:
    standard = capture.standard
    if standard is not None:
        report = judge(standard.analysis, start)
        return Judged(replace(report, changes=capture.changes), standard.analysis, standard.jpeg)
    report = judge(capture.view, start, applies=_is_about_presence, known=capture.finding)
    return Judged(replace(report, changes=capture.changes), capture.view)


def _is_about_presence(rule: Rule) -> bool:
    """Rules that make sense on a picture that cannot be framed."""
    return rule.code.startswith(("file.", "face."))
