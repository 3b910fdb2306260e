"""Writes the standard photo as a file: JPEG, 300 dpi, 20-40 KB, nothing else in it."""

from __future__ import annotations

import io
from math import floor, log

from PIL import Image

from imagecheck.decode import Rgb

DPI = 300
MIN_QUALITY, MAX_QUALITY = 60, 100
"""The standard asks for at least 60; 100 is where JPEG ends."""

SIZE_BYTES = (20 * 1024, 40 * 1024)
_ROOM_BYTES = 1024  # kept free at both ends of the band: to some a KB has 1000 bytes
_FIRST_TRIAL = 88
_CLOSE_ENOUGH_BYTES = 6 * 1024
"""A quality that fills the band better would hardly be seen, and every trial costs two
milliseconds."""
_AIM_BYTES = 2 * 1024
"""Trials aim so far below the end of the band."""
_USUAL_POWER = 0.5
"""Size goes with this power of the inverse scale of the quantisation; pictures that were JPEGs of
this size before have about half of it (measured on 46 pictures, 2026-11)."""
_FULL_COLOUR, _HALF_COLOUR = 0, 2  # chroma 4:4:4 and 4:2:0


def encode_jpeg(pixels: Rgb) -> bytes:
    """The best quality that fits the size band.

    A plain photo that is too small even at quality 100 keeps its full colour resolution to grow;
    a restless one that is too large at quality 60 stays at 60: the standard's "not below" is firm,
    its "generally 20-40 KB" is not.

    Args:
        pixels: uint8 (h, w, 3) RGB.
    """
    image = Image.fromarray(pixels)
    best = _fill_band(image)
    if best is None:
        return _write(image, MIN_QUALITY, _HALF_COLOUR)
    if len(best) < SIZE_BYTES[0] + _ROOM_BYTES:
        return _write(image, MAX_QUALITY, _FULL_COLOUR)
    return best


def _fill_band(image: Image.Image) -> bytes | None:
    """The file of the best quality that stays within the band; ``None`` when none does.

    The size grows smoothly with the quality, so each trial is where the law of the last two puts
    the band's upper part, and the search mostly ends after two.
    """
    most = SIZE_BYTES[1] - _ROOM_BYTES
    low, high, best = MIN_QUALITY - 1, MAX_QUALITY + 1, None
    sizes: dict[int, int] = {}
    quality = _FIRST_TRIAL
    while low + 1 < high:
        data = _write(image, quality, _HALF_COLOUR)
        sizes[quality] = len(data)
        if len(data) <= most:
            low, best = quality, data
        else:
            high = quality
        if most - _CLOSE_ENOUGH_BYTES < len(data) <= most:
            return best
        quality = min(max(_guess(sizes, most - _AIM_BYTES), low + 1), high - 1)
    return best


def _guess(sizes: dict[int, int], wanted: int) -> int:
    """The quality that should give the wanted size."""
    nearest = sorted(sizes, key=lambda quality: abs(sizes[quality] - wanted))[:2]
    power = _USUAL_POWER
    if len(nearest) > 1:
        a, b = nearest
        power = log(sizes[a] / sizes[b]) / log(_scale(b) / _scale(a))
    return _find_quality(_scale(nearest[0]) * (sizes[nearest[0]] / wanted) ** (1 / max(0.1, power)))


def _scale(quality: int) -> float:
    """How coarse libjpeg quantises from quality 50 upwards; never quite zero."""
    return max(2.0 - quality / 50, 0.01)


def _find_quality(scale: float) -> int:
    return floor(100 - 50 * min(scale, 1.0))


def _write(image: Image.Image, quality: int, subsampling: int) -> bytes:
    out = io.BytesIO()
    image.save(out, "JPEG", quality=quality, subsampling=subsampling, dpi=(DPI, DPI), optimize=True)
    return out.getvalue()
