"""One pass over an upload: verdict, standard photo and overlay, with one detection for all three.

What the server calls. The parts are the library's own: `standardise.frame_picture` makes the
480x640 pixels, `check.judge` judges them, `annotate.draw_overlay` draws what was measured.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass

from imagecheck.analysis import FRAME_PX, Analysis
from imagecheck.check import judge, refuse
from imagecheck.decode import Picture, UndecodableError, decode
from imagecheck.faces import Search
from imagecheck.framing import COMFORT, NoRoom
from imagecheck.profile import Profile, find_profile
from imagecheck.report import Mode, Report
from imagecheck.rules.base import Rule
from imagecheck.standardise import Background, Framed, frame_picture, is_compliant

__all__ = ["Background", "Examination", "Judged", "examine", "judge_upload"]

_FIRST_LOOK_PX = (600, 800)
"""An upload is decoded just large enough to find and measure the face; most faces are then large
enough for the standard photo too."""


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


@dataclass(frozen=True, slots=True, eq=False)
class Judged:
    """The verdict on one upload, and what it was reached on.

    Attributes:
        report: the verdict.
        analysis: of the standard photo; ``None`` when there is none.
        write_jpeg: makes the file of the standard photo; ``None`` when there is none.
    """

    report: Report
    analysis: Analysis | None = None
    write_jpeg: Callable[[], bytes] | None = None


def examine(
    data: bytes,
    *,
    mode: Mode = "capture",
    profile: str = "moe-2017",
    background: Background = "keep",
) -> Examination:
    """Judge an upload and make the standard photo of it; every input gets a report.

    Args:
        data: the bytes of the file, whatever they are.
        mode: ``capture`` judges the standard photo that is made of the file; ``final`` the file
            itself, which is then its own standard photo if file and framing comply.
        profile: name of the table of limits.
        background: reference colour for a plain wall; ``keep`` leaves it alone.

    Raises:
        ValueError: there is no such profile.
    """
    judged = judge_upload(data, mode=mode, profile=find_profile(profile), background=background)
    if judged.analysis is None or judged.write_jpeg is None:
        return Examination(judged.report)
    from imagecheck.annotate import draw_overlay

    overlay = draw_overlay(judged.analysis, judged.report)
    return Examination(judged.report, judged.write_jpeg(), overlay)


def judge_upload(
    data: bytes, *, mode: Mode, profile: Profile, background: Background = "keep"
) -> Judged:
    """Decode, find the face, frame and judge, each once."""
    start = time.perf_counter()
    try:
        picture = decode(data, enough_px=_FIRST_LOOK_PX if mode == "capture" else FRAME_PX)
    except UndecodableError as error:
        return Judged(refuse(error, mode, profile, start))
    analysis = Analysis.of_picture(picture, profile=profile, mode=mode)
    if is_compliant(analysis, background):
        return Judged(judge(analysis, start), analysis, lambda: data)
    if mode == "final":
        return Judged(judge(analysis, start))
    return _judge_capture(picture, analysis, background, data, start)


def _judge_capture(
    picture: Picture, analysis: Analysis, background: Background, data: bytes, start: float
) -> Judged:
    if analysis.face is None:
        return Judged(judge(analysis, start, applies=_is_about_presence))
    picture = _sharpen_small_face(picture, analysis, data)
    framed = frame_picture(picture, analysis, background, data=data)
    assert framed is not None, "there is a face"
    if isinstance(framed, NoRoom):
        report = judge(analysis, start, applies=_is_about_presence, known=framed.to_finding())
        return Judged(report)
    standard = _analyse_framed(framed, analysis)
    return Judged(judge(standard, start), standard, lambda: _encode(framed))


def _sharpen_small_face(picture: Picture, analysis: Analysis, data: bytes) -> Picture:
    """Decode larger when the face has fewer pixels than it will have in the standard photo."""
    wanted = COMFORT["face_width"] / (analysis.face_width_px * analysis.factor)
    if wanted <= 1 or picture.reduction <= 1:
        return picture
    height, width = picture.pixels.shape[:2]
    larger = decode(data, enough_px=(round(width * wanted), round(height * wanted)))
    analysis.factor = larger.pixels.shape[1] / analysis.width
    return larger


def _encode(framed: Framed) -> bytes:
    from imagecheck.encode import encode_jpeg

    return encode_jpeg(framed.pixels)


def _is_about_presence(rule: Rule) -> bool:
    """Rules that make sense on a picture that cannot be framed."""
    return rule.code.startswith(("file.", "face."))


def _analyse_framed(framed: Framed, view: Analysis) -> Analysis:
    """The standard photo with the faces that the view's detection has found inside it."""
    place = framed.placement
    boxes = [box.mapped(place.factor, place.dx, place.dy) for box in view.search.boxes]
    width, height = FRAME_PX
    inside = [b for b in boxes if 0 <= b.centre[0] < width and 0 <= b.centre[1] < height]
    return Analysis(
        framed.pixels,
        view.facts,
        profile=view.profile,
        mode="capture",
        search=Search(tuple(inside)),
        enlargement=framed.enlargement,
    )
