"""Writes a profile's picture as a file: JPEG of the stated density, within its band of KB."""

from __future__ import annotations

import io
from math import ceil, log

from PIL import Image

from imagecheck.decode import Rgb

USUAL_QUALITY, FULL_QUALITY, LEAST_QUALITY = 95, 100, 40
_FULL_COLOUR, _HALF_COLOUR = 0, 2  # chroma 4:4:4 and 4:2:0
_SLOPE = 0.045
"""The logarithm of a portrait's size grows so much with each step of quality, about."""
_ROOM = 0.03  # of the upper end, kept free for the first guess
_MOST_TRIALS = 4
_MARKER_BYTES, _MOST_COMMENT_BYTES = 4, 65_533


def write_jpeg(
    pixels: Rgb, dpi: int, min_kb: float | None = None, max_kb: float | None = None
) -> bytes:
    """A file of good quality within the band; to some a KB has 1000 bytes, to others 1024.

    Where even the best quality is too small for the band (small pictures before a plain wall), a
    comment of spaces fills it up: it changes no pixel, and who wants a least size gets it. A
    picture that is too large even at the least quality stays too large, and its rule says so.

    Args:
        pixels: uint8 (h, w, 3) RGB.
        dpi: density to state.
        min_kb: lower end of the band, ``None`` for an open one.
        max_kb: the upper one.
    """
    image = Image.fromarray(pixels)
    least = ceil(1024 * min_kb) if min_kb else 0
    most = int(1000 * max_kb) if max_kb else None
    data = _write(image, dpi, USUAL_QUALITY, _HALF_COLOUR)
    if most is not None and len(data) > most:
        return _shrink(image, dpi, most, len(data))
    for quality in (USUAL_QUALITY, FULL_QUALITY):
        if len(data) >= least:
            return data
        better = _write(image, dpi, quality, _FULL_COLOUR)
        if most is not None and len(better) > most:
            break
        data = better
    return data if len(data) >= least else _fill_up(data, least)


def _shrink(image: Image.Image, dpi: int, most: int, size: int) -> bytes:
    """The best quality found that fits, by following the usual slope."""
    quality, data = USUAL_QUALITY, b""
    for _ in range(_MOST_TRIALS):
        steps = ceil(log(size / (most * (1 - _ROOM))) / _SLOPE)
        quality = max(LEAST_QUALITY, quality - max(1, steps))
        data = _write(image, dpi, quality, _HALF_COLOUR)
        size = len(data)
        if size <= most or quality == LEAST_QUALITY:
            break
    return data


def _fill_up(data: bytes, least: int) -> bytes:
    """The same picture with a comment segment behind its first marker segment."""
    behind_head = 4 + int.from_bytes(data[4:6])
    missing = least - len(data)
    filler = b""
    while missing > 0:
        count = min(max(missing - _MARKER_BYTES, 0), _MOST_COMMENT_BYTES)
        filler += b"\xff\xfe" + (count + 2).to_bytes(2) + b" " * count
        missing = least - len(data) - len(filler)
    return data[:behind_head] + filler + data[behind_head:]


def _write(image: Image.Image, dpi: int, quality: int, subsampling: int) -> bytes:
    out = io.BytesIO()
    image.save(out, "JPEG", quality=quality, subsampling=subsampling, dpi=(dpi, dpi))
    return out.getvalue()
