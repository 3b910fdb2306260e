"""Makes the standard photo of a phone photo, as the very bytes that are judged and handed on.

A compliant picture keeps its coded pixels and loses everything else that its file holds. Any other
is turned upright, cut, scaled and written anew; a plain wall that would fail gets the nearest
reference colour.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

import numpy as np

from imagecheck.analysis import FRAME_PX, Analysis, to_lab
from imagecheck.crop import Framed, frame_picture
from imagecheck.decode import FileFacts, Picture, Rgb, decode
from imagecheck.encode import encode_jpeg
from imagecheck.framing import NoRoom
from imagecheck.jpeg_file import JpegFile
from imagecheck.nudge import Nudge
from imagecheck.profile import BLUE, GREY, WHITE, Profile
from imagecheck.report import Change, Finding
from imagecheck.rules import RULES, background_colour, background_shadow, background_uneven
from imagecheck.rules.base import Rule

Background = Literal["auto", "keep", "blue", "white", "grey"]
"""What happens to a plain wall: mended where it would fail, left alone, always of that colour."""

REFERENCE_COLOURS = {"blue": BLUE, "white": WHITE, "grey": GREY}
_COLOUR_NAMES = {"blue": ("浅蓝色", "light blue"), "white": ("白色", "white"),
                 "grey": ("浅灰色", "light grey")}  # fmt: skip

_FIRST_LOOK_PX = (600, 800)
"""An upload is decoded just large enough to find and measure the face; most faces are then large
enough for the standard photo too."""
_SAME_WALL_DELTA_E = 5.0
_MENDED_HERE = (
    "file.dimensions",
    "file.resolution",
    "file.size",
    "file.quality",
    "file.colour_mode",
    "file.mirrored",
)
_ABOUT_WALL = (background_colour.RULE, background_uneven.RULE, background_shadow.RULE)


@dataclass(frozen=True, slots=True, eq=False)
class Standard:
    """The standard photo.

    Attributes:
        jpeg: the file.
        analysis: of the pixels that a reader of the file sees.
        is_original: the coded pixels are those of the upload.
    """

    jpeg: bytes
    analysis: Analysis
    is_original: bool = False


@dataclass(frozen=True, slots=True, eq=False)
class Capture:
    """What became of an upload.

    Attributes:
        view: the upload as a whole, upright, at working size.
        standard: ``None`` when none can be made.
        finding: why not, where it is the framing; a missing face is told by its rule.
        changes: what was done beyond cropping, scaling and writing the file.
    """

    view: Analysis
    standard: Standard | None = None
    finding: Finding | None = None
    changes: tuple[Change, ...] = ()


def make_standard(
    data: bytes,
    profile: Profile,
    background: Background = "auto",
    nudge: Nudge | None = None,
) -> Capture:
    """Turn, keep or crop, mend and write: each step only where it is needed.

    ``nudge`` moves the crop that would be made otherwise; the result is always written anew.

    Raises:
        UndecodableError: there is no picture.
    """
    upload = _Upload(data)
    picture = upload.decode(_FIRST_LOOK_PX)
    view = _look(picture, profile)
    changes: tuple[Change, ...] = ()
    if view.search.turned_deg:
        upload.turned_deg = view.search.turned_deg
        picture = picture.turned(upload.turned_deg)
        view = _look(picture, profile)
        changes = (_tell_turn(upload.turned_deg),)
    if view.face is None:
        return Capture(view, changes=changes)
    kept = None if changes or nudge else keep_coded_pixels(data, view)
    if kept is not None:
        original = Standard(kept, view, is_original=True)
        return _with_wall(Capture(view, original), Framed(view.pixels), background)
    needs_crop = _needs_crop(view)
    framed = (
        frame_picture(picture, view, upload.decode, nudge, is_framed=not needs_crop)
        if needs_crop or nudge
        else Framed(view.pixels)
    )
    if isinstance(framed, NoRoom):
        return Capture(view, finding=framed.to_finding(), changes=changes)
    return _with_wall(Capture(view, _write(framed, view), changes=changes), framed, background)


def _look(picture: Picture, profile: Profile) -> Analysis:
    """The whole picture and its faces; a finished photo is judged by this very look."""
    view = Analysis.of_picture(picture, profile=profile, mode="capture", roughly=True)
    if (view.width, view.height) != FRAME_PX or view.factor != 1:
        view.look_first()
    return view


@dataclass(slots=True)
class _Upload:
    """The file, decoded as large as somebody needs it, and upright."""

    data: bytes
    turned_deg: int = 0

    def decode(self, enough_px: tuple[int, int]) -> Picture:
        is_lying = self.turned_deg in (90, 270)
        picture = decode(self.data, enough_px=enough_px[::-1] if is_lying else enough_px)
        return picture.turned(self.turned_deg) if self.turned_deg else picture


def _write(framed: Framed, view: Analysis) -> Standard:
    """The file, and the analysis of what it really shows; faces are looked for anew in it."""
    jpeg = encode_jpeg(framed.pixels)
    analysis = Analysis(
        decode(jpeg).pixels,
        view.facts,
        profile=view.profile,
        mode="capture",
        enlargement=framed.enlargement,
        is_upright=True,
    )
    return Standard(jpeg, analysis)


# -- compliant pictures ---------------------------------------------------------------------------


def keep_coded_pixels(data: bytes, analysis: Analysis) -> bytes | None:
    """The file without anything but its picture, if that is a standard photo already.

    File and framing must satisfy the profile as the file is handed on; what the person does (pose,
    light, hair) is no matter of standardising. Handed back byte for byte where nothing else was in
    it.
    """
    facts = analysis.facts
    if (facts.format, facts.width, facts.height) != ("JPEG", *FRAME_PX) or analysis.face is None:
        return None
    clean = _strip(data, facts)
    if clean is None:
        return None
    final = _as_final(analysis, replace(facts, size_bytes=len(clean)))
    return None if any(_objects(rule, final) for rule in RULES) else clean


def _needs_crop(view: Analysis) -> bool:
    """Whether the upright picture is not yet framed as the profile wants it."""
    final = _as_final(view, view.facts)
    return (
        (view.width, view.height) != FRAME_PX
        or view.factor != 1
        or any(_objects(rule, final) for rule in RULES if rule.code.startswith("geometry."))
    )


def _as_final(view: Analysis, facts: FileFacts) -> Analysis:
    return Analysis(view.pixels, facts, profile=view.profile, mode="final", search=view.search)


def _strip(data: bytes, facts: FileFacts) -> bytes | None:
    file = JpegFile.read(data)
    if not file.has_extras:
        return data
    return None if facts.density_dpi is None else file.with_density(facts.density_dpi)


def _objects(rule: Rule, analysis: Analysis) -> bool:
    """Whether a rule about file or framing finds something that standardising could mend."""
    if rule.code not in _MENDED_HERE and not rule.code.startswith("geometry."):
        return False
    finding, _ = rule.judge(analysis)
    return finding is not None and finding.status in ("fail", "warn")


# -- the wall -------------------------------------------------------------------------------------


def _with_wall(capture: Capture, framed: Framed, background: Background) -> Capture:
    """The same with a mended wall, where it needs one and is plain."""
    standard = capture.standard
    assert standard is not None, "there is a photo"
    colour = _choose_wall(standard, background)
    mended = None if colour is None else _mend(framed, standard, colour)
    if colour is None or mended is None:
        return capture
    return replace(capture, standard=mended, changes=(*capture.changes, _tell_wall(colour)))


def _choose_wall(standard: Standard, background: Background) -> str | None:
    """Name of the colour that the wall shall get; ``None`` to leave it alone."""
    analysis = standard.analysis
    if background == "keep" or analysis.face is None:
        return None
    if background != "auto":
        colour = REFERENCE_COLOURS[background]
        return None if standard.is_original and _has_wall(analysis, colour) else background
    if not any(_fails(rule, analysis) for rule in _ABOUT_WALL):
        return None
    profile = analysis.profile
    return min(
        profile.grounds,
        key=lambda name: (
            _distance(analysis, profile.grounds[name]) / profile.ground_tolerances[name]
        ),
    )


def _fails(rule: Rule, analysis: Analysis) -> bool:
    finding, _ = rule.judge(analysis)
    return finding is not None and finding.status == "fail"


def _has_wall(analysis: Analysis, colour: tuple[int, int, int]) -> bool:
    return analysis.wall.is_plain and _distance(analysis, colour) < _SAME_WALL_DELTA_E


def _distance(analysis: Analysis, colour: tuple[int, int, int]) -> float:
    reference = to_lab(np.array([[colour]], np.uint8))[0, 0]
    return float(np.linalg.norm(analysis.wall.colour - reference))


def _mend(framed: Framed, standard: Standard, colour: str) -> Standard | None:
    """The photo before a wall of that colour; ``None`` where its wall is not plain."""
    from imagecheck.matting import replace_wall

    replaced: Rgb | None = replace_wall(
        framed.pixels, standard.analysis.points, REFERENCE_COLOURS[colour]
    )
    if replaced is None:
        return None
    return _write(replace(framed, pixels=replaced), standard.analysis)


def _tell_wall(colour: str) -> Change:
    zh, en = _COLOUR_NAMES[colour]
    return Change(
        "wall",
        colour,
        f"背景已自动换成标准的{zh}。",
        f"The wall got the standard {en}.",
    )


def _tell_turn(turned_deg: int) -> Change:
    return Change(
        "turned",
        str(turned_deg),
        "照片原来是横着或倒着的，已自动转正。",
        "The photo was lying or upside down and has been turned.",
    )
