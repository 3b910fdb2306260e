"""Makes the 480x640 standard photo of a phone photo: orientation, one scale, one crop, the file.

Never stretches, rotates, mirrors or retouches. Only on request, and only where the wall really is
plain, the wall gets the exact reference colour.
"""

from dataclasses import dataclass
from typing import Literal

import numpy as np
from PIL import Image

from imagecheck.analysis import FRAME_PX, Analysis, to_lab
from imagecheck.decode import Picture, Rgb, UndecodableError, decode
from imagecheck.encode import encode_jpeg
from imagecheck.faces import Search
from imagecheck.framing import Head, NoRoom, Placement, plan_placement
from imagecheck.profile import BLUE, GREY, WHITE, find_profile
from imagecheck.report import Finding
from imagecheck.rules import RULES
from imagecheck.rules.base import Rule

Background = Literal["keep", "blue", "white", "grey"]
REFERENCE_COLOURS = {"blue": BLUE, "white": WHITE, "grey": GREY}

ENOUGH_PX = (1100, 1400)
"""A phone photo is not reduced below this while it is decoded: the head fills a third of it."""

_FULL_SIZE_PX = (8000, 8000)
_SAME_WALL_DELTA_E = 5.0
_MENDED_HERE = (
    "file.dimensions",
    "file.resolution",
    "file.size",
    "file.quality",
    "file.colour_mode",
    "file.mirrored",
)
_FIRST_LOOK = {"face_width": 190.0, "eye_line": 330.0}
"""Size and height at which a head is measured before the final crop, px: room for high hair."""


@dataclass(frozen=True, slots=True, eq=False)
class Framed:
    """The standard photo as pixels.

    Attributes:
        pixels: uint8 (640, 480, 3) RGB.
        placement: where the analysis' view lies in these pixels.
        enlargement: photo pixels for one pixel of the decoded picture; above 1 the source was
            too small.
        wall_replaced: whether the wall now has the reference colour.
    """

    pixels: Rgb
    placement: Placement
    enlargement: float
    wall_replaced: bool = False


@dataclass(frozen=True, slots=True)
class Standardised:
    """What `standardise` made of a file.

    Attributes:
        jpeg: the standard photo; ``None`` when none can be made.
        finding: why not; ``None`` when it could be.
        is_original: the file was compliant and is handed back byte for byte.
        wall_replaced: whether the wall got the reference colour that was asked for.
    """

    jpeg: bytes | None
    finding: Finding | None = None
    is_original: bool = False
    wall_replaced: bool = False


def standardise(
    data: bytes, *, background: Background = "keep", profile: str = "moe-2017"
) -> Standardised:
    """Make the standard photo of an upload; every input gets an answer, never an exception.

    Args:
        data: the bytes of the file, whatever they are.
        background: reference colour for the wall where it is plain; ``keep`` leaves it alone.
        profile: name of the table of limits.

    Raises:
        ValueError: there is no such profile.
    """
    from imagecheck.check import refuse

    limits = find_profile(profile)
    try:
        picture = decode(data, enough_px=ENOUGH_PX)
    except UndecodableError as error:
        return Standardised(None, refuse(error, "capture", limits, 0.0).findings[0])
    analysis = Analysis.of_picture(picture, profile=limits, mode="capture")
    if is_compliant(analysis, background):
        return Standardised(data, is_original=True)
    framed = frame_picture(picture, analysis, background, data=data)
    if isinstance(framed, Framed):
        return Standardised(encode_jpeg(framed.pixels), wall_replaced=framed.wall_replaced)
    return Standardised(None, framed.to_finding() if framed else _find_missing_face())


def frame_picture(
    picture: Picture,
    analysis: Analysis,
    background: Background = "keep",
    *,
    data: bytes | None = None,
) -> Framed | NoRoom | None:
    """Cut the standard photo out of a picture.

    Args:
        picture: upright pixels, perhaps reduced.
        analysis: of the whole picture; its largest face is framed.
        background: reference colour for a plain wall.
        data: the file, to decode it at full size should the head be small in a reduced picture.

    Returns:
        ``None`` when there is no face, `NoRoom` when the head is too near the border.
    """
    if analysis.face is None:
        return None
    placement = plan_placement(
        _measure_head(picture, analysis), (analysis.width, analysis.height), analysis.profile
    )
    if isinstance(placement, NoRoom):
        return placement
    enlargement = placement.factor / analysis.factor
    if enlargement > 1 and picture.reduction > 1 and data is not None:
        full = decode(data, enough_px=_FULL_SIZE_PX)
        enlargement *= picture.pixels.shape[1] / full.pixels.shape[1]
        picture = full
    pixels = cut_out(picture, placement.source_box(FRAME_PX), analysis.width, FRAME_PX)
    if background == "keep":
        return Framed(pixels, placement, enlargement)
    from imagecheck.matting import replace_wall

    points = analysis.points * placement.factor + (placement.dx, placement.dy)
    replaced = replace_wall(pixels, points, REFERENCE_COLOURS[background])
    if replaced is None:
        return Framed(pixels, placement, enlargement)
    return Framed(replaced, placement, enlargement, wall_replaced=True)


def is_compliant(analysis: Analysis, background: Background = "keep") -> bool:
    """Whether the file already is a standard photo that nothing has to be done to.

    File, framing and, when a colour is asked for, the wall must satisfy the profile; what the
    person does (pose, light, hair) is no matter of standardising.
    """
    facts = analysis.facts
    if (facts.format, facts.width, facts.height) != ("JPEG", *FRAME_PX) or analysis.face is None:
        return False
    if background != "keep" and not _has_wall(analysis, REFERENCE_COLOURS[background]):
        return False
    final = Analysis(
        analysis.pixels, facts, profile=analysis.profile, mode="final", search=analysis.search
    )
    return not any(_objects(rule, final) for rule in RULES)


def _objects(rule: Rule, analysis: Analysis) -> bool:
    """Whether a rule about file or framing finds something that standardising could mend."""
    if rule.code not in _MENDED_HERE and not rule.code.startswith("geometry."):
        return False
    finding, _ = rule.judge(analysis)
    return finding is not None and finding.status in ("fail", "warn")


def _has_wall(analysis: Analysis, colour: tuple[int, int, int]) -> bool:
    reference = to_lab(np.array([[colour]], np.uint8))[0, 0]
    distance = float(np.linalg.norm(analysis.wall.colour - reference))
    return analysis.wall.is_plain and distance < _SAME_WALL_DELTA_E


def _measure_head(picture: Picture, analysis: Analysis) -> Head:
    """The head in view coordinates, measured on a cut near the final scale.

    In a phone photo the wall beside the crop may be anything; only what will be seen counts.
    """
    rough = Head.of_analysis(analysis)
    factor = _FIRST_LOOK["face_width"] / rough.face_width
    wanted = Placement(
        factor,
        FRAME_PX[0] / 2 - factor * rough.centre_x,
        _FIRST_LOOK["eye_line"] - factor * rough.eye_y,
    )
    left, top, right, bottom = wanted.source_box(FRAME_PX)
    box = max(0.0, left), max(0.0, top), min(analysis.width, right), min(analysis.height, bottom)
    size = round((box[2] - box[0]) * factor), round((box[3] - box[1]) * factor)
    cut = Placement(factor, -box[0] * factor, -box[1] * factor)
    near = Analysis(
        cut_out(picture, box, analysis.width, size),
        analysis.facts,
        profile=analysis.profile,
        mode="capture",
        search=Search((analysis.search.boxes[0].mapped(cut.factor, cut.dx, cut.dy),)),
    )
    return Head.of_analysis(near).mapped(cut.inverse())


def cut_out(
    picture: Picture,
    box: tuple[float, float, float, float],
    view_width: int,
    size: tuple[int, int],
) -> Rgb:
    """Cut a box out of the picture and scale it to ``size``; both sides by the same factor.

    Args:
        picture: the source.
        box: left, top, right, bottom in pixels of a view that shows the whole picture.
        view_width: width of that view.
        size: width and height of the result.
    """
    h, w = picture.pixels.shape[:2]
    scale = w / view_width
    left, top, right, bottom = (value * scale for value in box)
    x0, y0 = max(0, int(left) - 8), max(0, int(top) - 8)
    x1, y1 = min(w, int(right) + 9), min(h, int(bottom) + 9)
    part = Image.fromarray(np.ascontiguousarray(picture.pixels[y0:y1, x0:x1]))
    inside = (
        max(0.0, left - x0),
        max(0.0, top - y0),
        min(float(part.width), right - x0),
        min(float(part.height), bottom - y0),
    )
    # bicubic keeps dark hair before a light wall free of the bright rim that sharper filters draw
    return np.asarray(part.resize(size, Image.Resampling.BICUBIC, box=inside))


def _find_missing_face() -> Finding:
    advice = "请正对镜头，露出整个面部后重新拍摄"
    return Finding(
        code="face.none",
        status="fail",
        value=0.0,
        limit="1 face",
        unit="",
        clause="照片中有且只有本人正面头像",
        message=f"没有找到正面人脸：{advice}",
        message_en="no frontal face was found: face the camera, show the whole face, try again",
        advice=advice,
    )
