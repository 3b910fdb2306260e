"""What a file says about itself: density, orientation, editor, compression."""

from __future__ import annotations

import re
import struct
import zlib
from dataclasses import dataclass
from typing import Any

import numpy as np
from PIL import ExifTags, Image

_XMP_TOOL = re.compile(rb"(?:CreatorTool|softwareAgent)[^>\"']*[>\"']\s*([^<\"']{1,80})")
_ORIENTATIONS = range(1, 9)


@dataclass(frozen=True, slots=True)
class FileFacts:
    """What the file says about itself, before any pixel is judged.

    Attributes:
        format: a name of `formats.DECODED`.
        size_bytes: length of the file.
        width, height: stored pixels of the first picture, before the orientation is applied.
        mode: colour mode in Pillow's words, ``RGB`` for a true-colour JPEG.
        density_dpi: horizontal and vertical density in dots per inch; ``None`` when missing.
        orientation: EXIF orientation 1-8; 1 when missing. What XMP says about it is ignored, as
            browsers do.
        quality: estimated JPEG quality 1-100; ``None`` for other formats.
        editor: the program that the metadata names, empty when none does.
        frames: number of pictures in the file (an animated one has more than one).
        colour_profile: name of the colour space that was left for sRGB; empty when it was sRGB.
    """

    format: str
    size_bytes: int
    width: int
    height: int
    mode: str
    density_dpi: tuple[float, float] | None = None
    orientation: int = 1
    quality: float | None = None
    editor: str = ""
    frames: int = 1
    colour_profile: str = ""


def read_exif(block: bytes) -> dict[int, Any]:
    """The tags of an EXIF block, with or without its head; empty when there is none or damage."""
    if not block:
        return {}
    try:
        tags = Image.Exif()
        tags.load(block if block.startswith(b"Exif\0\0") else b"Exif\0\0" + block)
        return dict(tags)
    except (SyntaxError, ValueError, KeyError, TypeError, OSError, struct.error, zlib.error):
        return {}  # a damaged EXIF block hides its facts, the picture is still judged


def read_orientation(exif: dict[int, Any]) -> int:
    """EXIF orientation, 1 when it is missing or nonsense."""
    value = exif.get(ExifTags.Base.Orientation, 1)
    return int(value) if value in _ORIENTATIONS else 1


def read_jfif_density(density: tuple[int, int, int] | None) -> tuple[float, float] | None:
    """Dots per inch of a JFIF header: unit (1 inch, 2 centimetre), horizontal, vertical."""
    if density is None or density[0] not in (1, 2) or not density[1] or not density[2]:
        return None
    factor = 2.54 if density[0] == 2 else 1.0  # noqa: PLR2004 - JFIF: 1 inch, 2 centimetre
    return density[1] * factor, density[2] * factor


def read_exif_density(exif: dict[int, Any]) -> tuple[float, float] | None:
    """Dots per inch of the EXIF tags."""
    across, down = exif.get(ExifTags.Base.XResolution), exif.get(ExifTags.Base.YResolution)
    if across is None or down is None:
        return None
    try:
        factor = 2.54 if exif.get(ExifTags.Base.ResolutionUnit, 2) == 3 else 1.0  # noqa: PLR2004
        return float(across) * factor, float(down) * factor
    except (TypeError, ValueError, ZeroDivisionError):
        return None


def read_editor(exif: dict[int, Any], xmp: bytes | str, *, has_photoshop: bool = False) -> str:
    """The program named in EXIF Software, in XMP or in Photoshop's own segment."""
    software = _decode_text(exif.get(ExifTags.Base.Software, "")).strip("\0 ")
    block = xmp.encode() if isinstance(xmp, str) else bytes(xmp)
    tools = [match.decode("utf-8", "replace").strip() for match in _XMP_TOOL.findall(block)]
    photoshop = ["Photoshop (APP13)"] if has_photoshop else []
    return "; ".join(dict.fromkeys(part for part in (software, *tools, *photoshop) if part))[:200]


def _decode_text(value: object) -> str:
    """EXIF text is ASCII by its standard; phones write UTF-8, which Pillow takes for Latin-1."""
    text = str(value)
    try:
        return text.encode("latin-1").decode("utf-8")
    except UnicodeError:
        return text


# ITU-T T.81 Annex K.1, luminance and chrominance, in natural order: the base of the usual scaling.
_ANNEX_K_LUMA = np.array(
    [
        [16, 11, 10, 16, 24, 40, 51, 61],
        [12, 12, 14, 19, 26, 58, 60, 55],
        [14, 13, 16, 24, 40, 57, 69, 56],
        [14, 17, 22, 29, 51, 87, 80, 62],
        [18, 22, 37, 56, 68, 109, 103, 77],
        [24, 35, 55, 64, 81, 104, 113, 92],
        [49, 64, 78, 87, 103, 121, 120, 101],
        [72, 92, 95, 98, 112, 100, 103, 99],
    ],
    dtype=np.float64,
).ravel()


def estimate_quality(table: list[int] | None) -> float | None:
    """JPEG quality 1-100 whose scaled Annex K luminance table is nearest in least squares.

    Args:
        table: quantisation of the luminance, 64 values in natural order; ``None`` when missing.
    """
    if table is None:
        return None
    wanted = np.asarray(table, dtype=np.float64)
    qualities = np.arange(1, 101)
    scales = np.where(qualities < 50, 5000 // qualities, 200 - 2 * qualities)  # noqa: PLR2004
    scaled = np.clip((_ANNEX_K_LUMA * scales[:, None] + 50) // 100, 1, 255)
    return float(qualities[np.argmin(((scaled - wanted) ** 2).sum(axis=1))])
