"""The three public questions: check how it is, standardise it, annotate what was measured."""

from __future__ import annotations

import io
from dataclasses import dataclass
from typing import Literal

from PIL import Image

from imagecheck import annotate_png, annotate_svg
from imagecheck.analysis import FRAME_PX, Analysis
from imagecheck.capture import Background, make_standard
from imagecheck.decode import Rgb, UndecodableError
from imagecheck.examination import judge_upload
from imagecheck.marks import Marks, make_marks
from imagecheck.profile import find_profile
from imagecheck.profiles.judge_profile import check_profile
from imagecheck.profiles.shipped import SHIPPED
from imagecheck.refusals import find_refused
from imagecheck.report import Change, Finding, Mode, Report
from imagecheck.rules import face_none
from imagecheck.sheet import Language, lay_out

Form = Literal["svg", "png"]
_PHOTO_QUALITY = 90


@dataclass(frozen=True, slots=True)
class Standardised:
    """What `standardise` made of a file.

    Attributes:
        jpeg: the standard photo; ``None`` when none can be made.
        finding: why not; ``None`` when it could be.
        is_original: the file was compliant and keeps its coded pixels; byte for byte, where it
            held nothing else.
        changes: what was done beyond cropping, scaling and writing the file.
    """

    jpeg: bytes | None
    finding: Finding | None = None
    is_original: bool = False
    changes: tuple[Change, ...] = ()

    @property
    def wall_replaced(self) -> bool:
        """Whether the wall got a reference colour."""
        return any(change.code == "wall" for change in self.changes)


def check(data: bytes, *, mode: Mode = "final", profile: str = "moe-2017") -> Report:
    """Judge the bytes of one photo; every input gets a report, never an exception.

    Args:
        data: the bytes of the file, whatever they are.
        mode: ``final`` judges the file as it is, ``capture`` what can be made of it.
        profile: name of the table of limits; in ``final`` mode also of a photo profile, whose own
            rules then judge the file.

    Raises:
        ValueError: there is no such profile.
    """
    use = SHIPPED.get(profile)
    if mode == "final" and use is not None and not use.is_standard:
        return check_profile(data, use)
    return judge_upload(data, mode=mode, profile=find_profile(profile)).report


def standardise(
    data: bytes, *, background: Background = "auto", profile: str = "moe-2017"
) -> Standardised:
    """Make the standard photo of an upload; every input gets an answer, never an exception.

    Args:
        data: the bytes of the file, whatever they are.
        background: ``auto`` gives a plain wall that would fail the nearest reference colour,
            ``keep`` leaves it alone, a colour is given to every plain wall.
        profile: name of the table of limits.

    Raises:
        ValueError: there is no such profile.
    """
    limits = find_profile(profile)
    try:
        made = make_standard(data, limits, background)
    except UndecodableError as error:
        return Standardised(None, find_refused(error.cause, error.detail))
    if made.standard is None:
        return Standardised(None, made.finding or _find_missing_face(made.view))
    return Standardised(
        made.standard.jpeg, is_original=made.standard.is_original, changes=made.changes
    )


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
    judged = judge_upload(data, mode=mode, profile=find_profile(profile))
    analysis = judged.analysis
    if analysis is None:
        return _render(form, Marks(0, FRAME_PX[1] // 2), judged.report, None)
    return _render(form, make_marks(analysis, judged.report), judged.report, analysis.pixels)


def _find_missing_face(view: Analysis) -> Finding:
    finding, _ = face_none.RULE.judge(view)
    assert finding is not None, "no face, so the rule says so"
    return finding


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
