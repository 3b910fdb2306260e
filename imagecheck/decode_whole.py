"""Decodes the formats that can only be decoded whole: PNG, HEIF, AVIF and WebP."""

from __future__ import annotations

import io

import numpy as np
import numpy.typing as npt
from PIL import AvifImagePlugin, Image

from imagecheck import colour_space
from imagecheck.bounds import name_excess, refuse_large
from imagecheck.file_facts import FileFacts, read_editor, read_exif, read_orientation
from imagecheck.lost_data import is_filled_up
from imagecheck.picture import Picture, Rgb, UndecodableError, find_reduction, stand_up

AvifImagePlugin.DEFAULT_MAX_THREADS = 1  # one photo, one core

_SIXTEEN_BIT = ("I;16", "I;16B", "I;16L", "I", "F")
_REDUCIBLE = ("RGB", "RGBA", "L", "LA", "CMYK")
_ENOUGH_PX = (1500, 2000)
"""Not reduced below this: decoding once more for a small head would take all the time again."""
_NCLX = b"colrnclx"
_BOXES_BYTES = 1 << 16
"""The head of an AVIF file in which its colour is described."""


def decode_whole(data: bytes, name: str, enough_px: tuple[int, int]) -> Picture:
    """Decode the first picture of a PNG, HEIC, AVIF or WEBP file.

    Raises:
        UndecodableError: too many pixels, or data that are lost.
        Exception: whatever the decoder raises on damage.
    """
    if is_filled_up(data, name):
        raise UndecodableError("damaged", "data are lost")
    image = _open_heif(data) if name == "HEIC" else _open(data, name)
    size, mode, info = image.size, image.mode, image.info
    exif = read_exif(info.get("exif") or b"")
    # libheif has turned the picture already
    orientation = 1 if name == "HEIC" else read_orientation(exif)
    enough_px = max(enough_px[0], _ENOUGH_PX[0]), max(enough_px[1], _ENOUGH_PX[1])
    small = _shrink(image, find_reduction(size, orientation, enough_px))
    rgb, profile = _to_srgb(small, info, _find_primaries(info, name, data))
    dpi = info.get("dpi")
    facts = FileFacts(
        format=name,
        size_bytes=len(data),
        width=size[0],
        height=size[1],
        mode=mode,
        density_dpi=(float(dpi[0]), float(dpi[1])) if dpi else None,
        orientation=orientation,
        editor=read_editor(exif, info.get("xmp") or info.get("XML:com.adobe.xmp") or b""),
        frames=getattr(image, "n_frames", 1),
        colour_profile=profile,
    )
    return Picture(stand_up(rgb, orientation), facts, size[0] / small.width)


def _open(data: bytes, name: str) -> Image.Image:
    try:
        image = Image.open(io.BytesIO(data), formats=[name])
    except Image.DecompressionBombError as error:  # Pillow's own bound, beyond ours
        raise UndecodableError(name_excess(name), str(error)[:60]) from error
    refuse_large(name, *image.size)
    image.load()
    return image


def _open_heif(data: bytes) -> Image.Image:
    import pi_heif

    pi_heif.options.THUMBNAILS = False
    pi_heif.options.DECODE_THREADS = 1
    opened = pi_heif.open_heif(io.BytesIO(data))
    refuse_large("HEIC", *opened.size)
    image: Image.Image = opened.to_pillow()
    return image


def _shrink(image: Image.Image, reduction: int) -> Image.Image:
    """The picture in plain 8-bit colours without transparency, at a fraction of its size."""
    if image.mode in _SIXTEEN_BIT:
        # Pillow would clip 16-bit grey instead of scaling it
        grey = np.asarray(image, dtype=np.float32) / np.float32(257)
        image = Image.fromarray(np.clip(grey, 0, 255).astype(np.uint8))
    elif image.mode not in _REDUCIBLE:
        is_layered = "transparency" in image.info or image.mode in ("PA", "La", "RGBa")
        image = image.convert("RGBA" if is_layered else "RGB")
    if reduction > 1:
        image = image.reduce(reduction)
    if image.mode in ("RGBA", "LA") or "transparency" in image.info:
        layered = image.convert("RGBA")
        paper = Image.new("RGBA", image.size, (255, 255, 255, 255))
        image = Image.alpha_composite(paper, layered)
    return image if image.mode == "CMYK" else image.convert("RGB")


def _to_srgb(
    image: Image.Image, info: dict[str | tuple[int, int], object], primaries: object
) -> tuple[Rgb, str]:
    """The pixels in sRGB, and the name of the colour space that was left for it."""
    profile = info.get("icc_profile")
    if isinstance(profile, bytes) and profile:
        conversion = colour_space.find_conversion(profile, image.mode)
        if conversion is not None:
            return _pixels(conversion.apply(image)), conversion.name
        return _pixels(image.convert("RGB")), ""
    pixels = _pixels(image.convert("RGB"))
    gamma = info.get("gamma") if "srgb" not in info else None
    gamma = gamma if isinstance(gamma, float) and gamma > 0 else None
    known = primaries if isinstance(primaries, tuple) else None
    if colour_space.is_srgb(known, gamma):
        return pixels, ""
    return colour_space.leave_primaries(pixels, known, gamma), "gAMA/cHRM" if gamma else "nclx"


def _pixels(image: Image.Image) -> npt.NDArray[np.uint8]:
    return np.asarray(image, dtype=np.uint8)


def _find_primaries(
    info: dict[str | tuple[int, int], object], name: str, data: bytes
) -> colour_space.Chromaticities | None:
    """Primaries that the file names by chunk or number; ``None`` where it is silent or sRGB."""
    if name == "PNG" and "srgb" not in info:
        return colour_space.check_primaries(info.get("chromaticity"))
    nclx = info.get("nclx_profile")
    if isinstance(nclx, dict):
        return colour_space.name_primaries(int(nclx.get("color_primaries", 0)))
    at = data.find(_NCLX, 0, _BOXES_BYTES) if name == "AVIF" else -1
    if at < 0:
        return None
    at += len(_NCLX)
    return colour_space.name_primaries(int.from_bytes(data[at : at + 2], "big"))
