"""Writes the standard photo as a file: JPEG, 300 dpi, 20-40 KB, nothing else in it."""

import io

from PIL import Image

from imagecheck.decode import Rgb

DPI = 300
MIN_QUALITY, MAX_QUALITY = 60, 100
"""The standard asks for at least 60; 100 is where JPEG ends."""

SIZE_BYTES = (20 * 1024, 40 * 1024)
_ROOM_BYTES = 1024  # kept free at both ends of the band: to some a KB has 1000 bytes
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
    low, high = MIN_QUALITY, MAX_QUALITY
    best = _write(image, low, _HALF_COLOUR)
    while low < high:
        middle = (low + high + 1) // 2
        data = _write(image, middle, _HALF_COLOUR)
        if len(data) <= SIZE_BYTES[1] - _ROOM_BYTES:
            low, best = middle, data
        else:
            high = middle - 1
    if len(best) < SIZE_BYTES[0] + _ROOM_BYTES:
        best = _write(image, MAX_QUALITY, _FULL_COLOUR)
    return best


def _write(image: Image.Image, quality: int, subsampling: int) -> bytes:
    out = io.BytesIO()
    image.save(out, "JPEG", quality=quality, subsampling=subsampling, dpi=(DPI, DPI), optimize=True)
    return out.getvalue()
