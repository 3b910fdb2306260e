"""One pass over an upload: verdict, standard photo and overlay, with one detection for all three.

What the server calls. The parts are the library's own: ``standardise.frame_picture`` makes the
480x640 pixels, ``check.judge`` judges them, ``annotate.draw_overlay`` draws what was measured.
"""

import time
from dataclasses import dataclass
from typing import Literal

from imagecheck.analysis import Analysis
from imagecheck.check import judge, refuse
from imagecheck.decode import UndecodableError, decode
from imagecheck.profile import find_profile
from imagecheck.report import Mode, Report

Background = Literal["keep", "blue", "white", "grey"]

CAPTURE_ENOUGH_PX = (1100, 1400)
"""A phone photo is never reduced below this: the head fills a third of it, the standard half."""


@dataclass(frozen=True, slots=True)
class Examination:
    """All that one upload yields.

    Attributes:
        report: the verdict.
        standard_jpeg: the 480x640 file; ``None`` when it could not be framed.
        overlay_svg: measured lines and allowed bands over ``standard_jpeg``; ``None`` without it.
    """

    report: Report
    standard_jpeg: bytes | None = None
    overlay_svg: str | None = None


def examine(
    data: bytes,
    *,
    mode: Mode = "capture",
    profile: str = "moe-2017",
    background: Background = "keep",
) -> Examination:
    """Judge an upload and make the standard photo of it; every input gets a report.

    Raises:
        ValueError: there is no such profile.
    """
    start = time.perf_counter()
    limits = find_profile(profile)
    try:
        picture = decode(data, enough_px=CAPTURE_ENOUGH_PX)
    except UndecodableError as error:
        return Examination(refuse(error, mode, limits, start))
    analysis = Analysis.of_picture(picture, profile=limits, mode=mode)
    return Examination(judge(analysis, start))
