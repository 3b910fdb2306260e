"""Bounded decoding: bytes of an upload become an upright RGB picture and facts about the file.

Nothing here trusts the file. The header is read first; a picture of more than 50 megapixels or
with an absurd side is refused before a pixel is decoded, and a large JPEG is decoded at a half,
a quarter or an eighth of its size, which is also the fast way.
"""

import io
import re
import struct
import warnings
import zlib
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import ExifTags, Image, JpegImagePlugin, PngImagePlugin

Rgb = npt.NDArray[np.uint8]
"""uint8 (h, w, 3), RGB, sRGB encoded."""

MAX_PIXELS = 50_000_000
MAX_SIDE_PX = 30_000
MAX_BYTES = 64 * 1024 * 1024
MAX_SCANNED_PIXELS = 1_200_000_000
"""Pixels times scans of a JPEG. Every scan is a pass over the picture, and thousands fit into a
small file; cameras write one, progressive files about ten. Half a second on one core."""

_MAGIC = (
    (b"\xff\xd8\xff", "JPEG"),
    (b"\x89PNG\r\n\x1a\n", "PNG"),
    (b"GIF8", "GIF"),
    (b"BM", "BMP"),
    (b"II*\0", "TIFF"),
    (b"MM\0*", "TIFF"),
    (b"%PDF", "PDF"),
)
_SCAN = b"\xff\xda"
_HEIF_BRANDS = (b"heic", b"heix", b"hevc", b"mif1", b"msf1", b"heim", b"heis")
_TRANSPOSE = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
_SWAPS_SIDES = (5, 6, 7, 8)
_XMP_TOOL = re.compile(rb"(?:CreatorTool|softwareAgent)[^>\"']*[>\"']\s*([^<\"']{1,80})")


class UndecodableError(Exception):
    """The bytes are not a picture that may be judged.

    Attributes:
        code: ``file.unreadable`` or ``file.format``.
        detail: what was found, a short word for the finding's value.
    """

    def __init__(self, code: str, detail: str) -> None:
        super().__init__(f"{code}: {detail}")
        self.code = code
        self.detail = detail


@dataclass(frozen=True, slots=True)
class FileFacts:
    """What the file says about itself, before any pixel is judged.

    Attributes:
        format: ``JPEG`` or ``PNG``.
        size_bytes: length of the file.
        width, height: stored pixels, before the EXIF orientation is applied.
        mode: Pillow's colour mode, ``RGB`` for a true-colour JPEG.
        density_dpi: horizontal and vertical density in dots per inch; ``None`` when missing.
        orientation: EXIF orientation 1-8; 1 when missing.
        quality: estimated JPEG quality 1-100; ``None`` for a PNG.
        editor: the program that the metadata names, empty when none does.
        frames: number of pictures in the file (an animated PNG has more than one).
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


@dataclass(frozen=True, slots=True, eq=False)
class Picture:
    """A decoded picture.

    Attributes:
        pixels: uint8 (h, w, 3) RGB, EXIF orientation applied, perhaps reduced.
        facts: what the file says about itself.
        reduction: full-size pixels for one pixel of ``pixels`` (1.0 when not reduced).
    """

    pixels: Rgb
    facts: FileFacts
    reduction: float = 1.0


def sniff_format(data: bytes) -> str:
    """The name of the file format by its first bytes; empty when unknown."""
    for magic, name in _MAGIC:
        if data.startswith(magic):
            return name
    if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        return "WEBP"
    if data[4:8] == b"ftyp":
        return "HEIC" if data[8:12] in _HEIF_BRANDS else "video"
    return ""


def decode(data: bytes, *, enough_px: tuple[int, int] = (480, 640)) -> Picture:
    """Decode a JPEG or PNG, reduced as far as ``enough_px`` (width, height) allows.

    Args:
        data: the bytes of the file.
        enough_px: the upright picture is never reduced below this size; a JPEG is reduced by the
            decoder to the next power of two above it.

    Raises:
        UndecodableError: not a JPEG or PNG, damaged, truncated, or larger than 50 megapixels.
    """
    name = sniff_format(data)
    if name not in ("JPEG", "PNG"):
        raise UndecodableError("file.format" if name else "file.unreadable", name or "no picture")
    if len(data) > MAX_BYTES:
        raise UndecodableError("file.unreadable", "too many bytes")
    if name == "JPEG" and not _has_whole_scan(data):
        raise UndecodableError("file.unreadable", "truncated")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return _decode_known(data, name, enough_px)
    except UndecodableError:
        raise
    except MemoryError as error:
        raise UndecodableError("file.unreadable", "too large") from error
    except Exception as error:
        # Pillow's parsers raise a dozen kinds of errors on damaged files (struct.error,
        # SyntaxError, OverflowError, zlib.error ...); to us they all mean the same.
        raise UndecodableError("file.unreadable", type(error).__name__) from error


def _decode_known(data: bytes, name: str, enough_px: tuple[int, int]) -> Picture:
    with Image.open(io.BytesIO(data), formats=[name]) as image:
        width, height = image.size
        if width * height > MAX_PIXELS or max(width, height) > MAX_SIDE_PX:
            raise UndecodableError("file.unreadable", f"{width}x{height}")
        if name == "JPEG" and data.count(_SCAN) * width * height > MAX_SCANNED_PIXELS:
            raise UndecodableError("file.unreadable", "too many scans")
        facts = _read_facts(image, data, name)
        if isinstance(image, JpegImagePlugin.JpegImageFile):
            image.draft(None, _draft_size((width, height), facts.orientation, enough_px))
        image.load()
        upright = _to_rgb(image)
        if facts.orientation in _TRANSPOSE:
            upright = upright.transpose(_TRANSPOSE[facts.orientation])
        return Picture(np.asarray(upright), facts, width / image.width)


def _draft_size(
    size: tuple[int, int], orientation: int, enough_px: tuple[int, int]
) -> tuple[int, int]:
    """Pillow's draft mode keeps both sides at or above what is asked for."""
    wanted = enough_px[::-1] if orientation in _SWAPS_SIDES else enough_px
    return min(size[0], wanted[0]), min(size[1], wanted[1])


def _to_rgb(image: Image.Image) -> Image.Image:
    if image.mode == "RGB":
        return image
    if image.mode in ("I;16", "I;16B", "I;16L", "I", "F"):
        # 16-bit grey: Pillow would clip instead of scale
        grey = np.asarray(image, dtype=np.float64) / 257.0
        return Image.fromarray(np.clip(grey, 0, 255).astype(np.uint8)).convert("RGB")
    if image.mode in ("RGBA", "LA", "PA") or "transparency" in image.info:
        layered = image.convert("RGBA")
        paper = Image.new("RGBA", image.size, (255, 255, 255, 255))
        return Image.alpha_composite(paper, layered).convert("RGB")
    return image.convert("RGB")


def _read_facts(image: Image.Image, data: bytes, name: str) -> FileFacts:
    exif = _read_exif(image)
    orientation = exif.get(ExifTags.Base.Orientation, 1)
    tables = image.quantization if isinstance(image, JpegImagePlugin.JpegImageFile) else None
    frames = image.n_frames if isinstance(image, PngImagePlugin.PngImageFile) else 1
    return FileFacts(
        format=name,
        size_bytes=len(data),
        width=image.width,
        height=image.height,
        mode=image.mode,
        density_dpi=_read_density(image, exif),
        orientation=orientation if orientation in _TRANSPOSE else 1,
        quality=None if tables is None else estimate_quality(tables),
        editor=_read_editor(image, exif),
        frames=frames,
    )


def _read_exif(image: Image.Image) -> dict[int, Any]:
    try:
        return dict(image.getexif())
    except (SyntaxError, ValueError, KeyError, TypeError, OSError, struct.error, zlib.error):
        return {}  # a damaged EXIF block hides its facts, the picture is still judged


def _read_density(image: Image.Image, exif: dict[int, Any]) -> tuple[float, float] | None:
    """Density from JFIF (dots per inch or centimetre), pHYs or, lacking these, EXIF."""
    if isinstance(image, JpegImagePlugin.JpegImageFile):
        unit, density = image.info.get("jfif_unit"), image.info.get("jfif_density")
        if unit in (1, 2) and density:
            factor = 2.54 if unit == 2 else 1.0  # noqa: PLR2004 - JFIF: 1 inch, 2 centimetre
            return float(density[0]) * factor, float(density[1]) * factor
        return _read_exif_density(exif)
    dpi = image.info.get("dpi")
    return (float(dpi[0]), float(dpi[1])) if dpi else None


def _read_exif_density(exif: dict[int, Any]) -> tuple[float, float] | None:
    across, down = exif.get(ExifTags.Base.XResolution), exif.get(ExifTags.Base.YResolution)
    if across is None or down is None:
        return None
    try:
        factor = 2.54 if exif.get(ExifTags.Base.ResolutionUnit, 2) == 3 else 1.0  # noqa: PLR2004
        return float(across) * factor, float(down) * factor
    except (TypeError, ValueError, ZeroDivisionError):
        return None


def _read_editor(image: Image.Image, exif: dict[int, Any]) -> str:
    """The program named in EXIF Software, in XMP or in Photoshop's own segment."""
    software = _decode_text(exif.get(ExifTags.Base.Software, "")).strip("\0 ")
    xmp = image.info.get("xmp") or image.info.get("XML:com.adobe.xmp") or b""
    xmp = xmp.encode() if isinstance(xmp, str) else bytes(xmp)
    tools = [match.decode("utf-8", "replace").strip() for match in _XMP_TOOL.findall(xmp)]
    photoshop = ["Photoshop (APP13)"] if image.info.get("photoshop") else []
    return "; ".join(dict.fromkeys(part for part in (software, *tools, *photoshop) if part))[:200]


def _decode_text(value: object) -> str:
    """EXIF text is ASCII by its standard; phones write UTF-8, which Pillow takes for Latin-1."""
    text = str(value)
    try:
        return text.encode("latin-1").decode("utf-8")
    except UnicodeError:
        return text


def _has_whole_scan(data: bytes) -> bool:
    """Whether an end-of-image marker follows the start of the picture's own first scan.

    Segments before the scan (an EXIF thumbnail is a whole JPEG of its own) are skipped by their
    length. Inside a scan 0xFF is always followed by 0x00 or a restart marker, so a bare FF D9 there
    can only be the end. Libraries that set Pillow's LOAD_TRUNCATED_IMAGES for the whole process
    would otherwise let a half picture pass.
    """
    at = 2
    while at + 4 <= len(data):
        if data[at] != 0xFF:  # noqa: PLR2004 - every JPEG marker starts with FF
            at += 1
            continue
        marker = data[at + 1]
        if marker == 0xDA:  # noqa: PLR2004 - start of scan
            return data.find(b"\xff\xd9", at + 2) >= 0
        if marker in (0x01, 0xFF) or 0xD0 <= marker <= 0xD9:  # noqa: PLR2004 - no length follows
            at += 1 if marker == 0xFF else 2  # noqa: PLR2004 - fill byte
            continue
        at += 2 + int.from_bytes(data[at + 2 : at + 4], "big")
    return False


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


def estimate_quality(tables: dict[int, list[int]]) -> float | None:
    """JPEG quality 1-100 whose scaled Annex K luminance table is nearest in least squares.

    Args:
        tables: quantisation tables by number, each 64 values in natural order.
    """
    table = tables.get(0)
    if not table or len(table) != _ANNEX_K_LUMA.size:
        return None
    wanted = np.asarray(table, dtype=np.float64)
    qualities = np.arange(1, 101)
    scales = np.where(qualities < 50, 5000 // qualities, 200 - 2 * qualities)  # noqa: PLR2004
    scaled = np.clip((_ANNEX_K_LUMA * scales[:, None] + 50) // 100, 1, 255)
    return float(qualities[np.argmin(((scaled - wanted) ** 2).sum(axis=1))])
