"""The picture that a student and a reviewer look at: what was measured, what is allowed, where."""

import io
from typing import Literal

from PIL import Image

from imagecheck import annotate_png, annotate_svg
from imagecheck.analysis import FRAME_PX, Analysis
from imagecheck.check import check
from imagecheck.decode import Rgb, UndecodableError, decode
from imagecheck.marks import Marks, make_marks
from imagecheck.profile import find_profile
from imagecheck.report import Mode, Report
from imagecheck.sheet import Language, lay_out

Form = Literal["svg", "png"]
_PHOTO_QUALITY = 90


def annotate(
    data: bytes, *, form: Form = "svg", mode: Mode = "final", profile: str = "moe-2017"
) -> bytes:
    """Draw lines, bands and findings over a photo, and the words beside it.

    In capture mode the standard photo made of the file is drawn, where one can be made. What cannot
    be decoded gives a sheet that says so.

    Args:
        data: the bytes of the file, whatever they are.
        form: ``svg`` (Chinese in the viewer's fonts) or ``png`` (Chinese where the system has a
            font for it, else English).
        mode: ``final`` or ``capture``.
        profile: name of the table of limits.

    Raises:
        ValueError: there is no such profile.
    """
    report = check(data, mode=mode, profile=profile)
    analysis = _analyse(data, mode, profile)
    if analysis is None:
        return _render(form, Marks(0, FRAME_PX[1] // 2), report, None)
    return _render(form, make_marks(analysis, report), report, analysis.pixels)


def draw_overlay(analysis: Analysis, report: Report) -> str:
    """A transparent SVG to lay over the photo of ``analysis``, in the browser's own fonts."""
    return annotate_svg.render_overlay(make_marks(analysis, report))


def _analyse(data: bytes, mode: Mode, profile: str) -> Analysis | None:
    """The photo to draw on, ``None`` when there is none."""
    if mode == "capture":
        from imagecheck.standardise import standardise

        data = standardise(data, profile=profile).jpeg or data
    try:
        picture = decode(data)
    except UndecodableError:
        return None
    return Analysis.of_picture(picture, profile=find_profile(profile), mode=mode)


def _render(form: Form, marks: Marks, report: Report, photo: Rgb | None) -> bytes:
    language: Language = "zh" if form == "svg" else annotate_png.find_language()
    sheet = lay_out(marks, report, has_photo=photo is not None, language=language)
    if form == "png":
        return annotate_png.render_sheet(sheet, photo, language)
    return annotate_svg.render_sheet(sheet, None if photo is None else _encode(photo)).encode()


def _encode(photo: Rgb) -> bytes:
    out = io.BytesIO()
    Image.fromarray(photo).save(out, "JPEG", quality=_PHOTO_QUALITY)
    return out.getvalue()
