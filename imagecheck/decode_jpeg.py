"""Decodes the first picture of a JPEG file strictly: what the decoder warns about is damage."""

from __future__ import annotations

import io
from typing import NoReturn

import numpy as np
import numpy.typing as npt
import simplejpeg
from PIL import Image

from imagecheck import colour_space
from imagecheck.bounds import MAX_SCANNED_PIXELS, refuse_large
from imagecheck.file_facts import (
    FileFacts,
    estimate_quality,
    read_editor,
    read_exif,
    read_exif_density,
    read_jfif_density,
    read_orientation,
)
from imagecheck.jpeg_file import BrokenJpeg, JpegFile, UnusualJpeg
from imagecheck.picture import Picture, UndecodableError, find_reduction, stand_up

_COMPONENT_MODES = {1: "L", 3: "RGB", 4: "CMYK"}
_ODD_SUBSAMPLING = "subsampling"
_NO_MEMORY = "emory"


def decode_jpeg(data: bytes, enough_px: tuple[int, int]) -> Picture:
    """Decode the first picture of a JPEG file.

    Raises:
        UndecodableError: damaged, too large, or of a kind that is not read.
    """
    try:
        file = JpegFile.read(data)
    except BrokenJpeg as error:
        raise UndecodableError("damaged", str(error)) from error
    except UnusualJpeg as error:
        raise UndecodableError("odd_jpeg", str(error)) from error
    refuse_large("JPEG", file.width, file.height)
    if file.scans * file.width * file.height > MAX_SCANNED_PIXELS:
        raise UndecodableError("too_many_scans", f"{file.scans} scans")
    exif = read_exif(file.exif)
    orientation = read_orientation(exif)
    size = file.width, file.height
    pixels = _decode_strictly(file, find_reduction(size, orientation, enough_px))
    mode = _COMPONENT_MODES.get(file.components, "?")
    conversion = colour_space.find_conversion(file.icc, mode)
    facts = FileFacts(
        format="JPEG",
        size_bytes=len(data),
        width=file.width,
        height=file.height,
        mode=mode,
        density_dpi=read_jfif_density(file.density) or read_exif_density(exif),
        orientation=orientation,
        quality=estimate_quality(file.luma_table),
        editor=read_editor(exif, file.xmp, has_photoshop=file.has_photoshop),
        colour_profile=conversion.name if conversion else "",
    )
    rgb = _leave_profile(pixels, conversion)
    return Picture(stand_up(rgb, orientation), facts, file.width / rgb.shape[1])


def _decode_strictly(file: JpegFile, reduction: int) -> npt.NDArray[np.uint8]:
    """uint8 (h, w, 3) or, of print colours, (h, w, 4); any warning of the decoder is damage."""
    space = "CMYK" if file.components == 4 else "RGB"  # noqa: PLR2004 - four inks
    picture = file.picture()
    try:
        pixels = simplejpeg.decode_jpeg(
            picture,
            space,
            min_height=-(-file.height // reduction),
            min_width=-(-file.width // reduction),
        )
    except ValueError as error:
        if _ODD_SUBSAMPLING in str(error):
            return _decode_odd_subsampling(picture)
        _explain(error)
    if space == "CMYK":
        # Adobe stores its inks inverted, and every viewer takes it that all others do, too
        pixels = np.subtract(255, pixels, dtype=np.uint8)
    return np.asarray(pixels, np.uint8)


def _explain(error: ValueError) -> NoReturn:
    cause = "memory" if _NO_MEMORY in str(error) else "damaged"
    raise UndecodableError(cause, str(error)[:80]) from error


def _decode_odd_subsampling(picture: bytes) -> npt.NDArray[np.uint8]:
    """Rare ratios of colour to lightness, which the strict decoder does not take.

    It reads their header only; Pillow's decoder is the same library but hides its warnings.
    """
    with Image.open(io.BytesIO(picture), formats=["JPEG"]) as image:
        return np.asarray(image.convert("RGB"))


def _leave_profile(
    pixels: npt.NDArray[np.uint8], conversion: colour_space.Conversion | None
) -> npt.NDArray[np.uint8]:
    if conversion is not None:
        mode = "CMYK" if pixels.shape[2] == 4 else "RGB"  # noqa: PLR2004 - four inks
        return np.asarray(conversion.apply(_to_image(pixels, mode)))
    if pixels.shape[2] == 4:  # noqa: PLR2004 - four inks
        return np.asarray(_to_image(pixels, "CMYK").convert("RGB"))
    return pixels


def _to_image(pixels: npt.NDArray[np.uint8], mode: str) -> Image.Image:
    height, width = pixels.shape[:2]
    return Image.frombytes(mode, (width, height), np.ascontiguousarray(pixels).tobytes())
