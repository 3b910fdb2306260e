"""Drawn portraits as the files that people upload."""

from __future__ import annotations

import functools
import io
from pathlib import Path

from PIL import Image

from benchmarks.rig.portraits.portrait import Portrait
from benchmarks.rig.portraits.scene import draw

_DPI = 300
_SIZE_MIN, _SIZE_MAX = 20 * 1024, 40 * 1024
_ROTATED_BY_ORIENTATION = {1: None, 3: Image.Transpose.ROTATE_180, 6: Image.Transpose.ROTATE_90,
                           8: Image.Transpose.ROTATE_270}  # fmt: skip
_ORIENTATION_TAG = 0x0112


@functools.lru_cache(maxsize=256)
def jpeg_bytes(portrait: Portrait | None = None, *, quality: int | None = None) -> bytes:
    """The portrait as a JPEG at 300 dpi, 20-40 KB unless a quality is given."""
    picture = draw(portrait)
    if quality is not None:
        return encode(picture, quality)
    for candidate in (88, 91, 94, 84, 80, 75, 68, 62):
        data = encode(picture, candidate)
        if _SIZE_MIN < len(data) < _SIZE_MAX:
            return data
    return encode(picture, 75)


def encode(picture: Image.Image, quality: int) -> bytes:
    """A JPEG with the density of the standard and nothing else in it."""
    out = io.BytesIO()
    picture.save(out, "JPEG", quality=quality, dpi=(_DPI, _DPI))
    return out.getvalue()


def heic_bytes() -> bytes:
    """`phone_portrait()` at 720x960 as an iPhone writes it: HEIC in Display P3.

    The decoder that we use cannot encode, so the file lies here; pillow-heif made it of
    ``draw(phone_portrait())``.
    """
    return Path(__file__).with_name("drawn.heic").read_bytes()


@functools.lru_cache(maxsize=32)
def png_bytes(portrait: Portrait | None = None) -> bytes:
    """The portrait as a PNG."""
    out = io.BytesIO()
    draw(portrait).save(out, "PNG")
    return out.getvalue()


def phone_portrait(portrait: Portrait | None = None) -> Portrait:
    """The same person in front of a plain grey wall, with the room that a phone photo leaves."""
    portrait = portrait or Portrait()
    return portrait.but(
        width=960, height=1280, face_width=330.0, eye_y=540.0, centre_x=472.0, wall=(233, 234, 232)
    )


@functools.lru_cache(maxsize=32)
def phone_photo_bytes(
    portrait: Portrait | None = None,
    *,
    size: tuple[int, int] = (3000, 4000),
    orientation: int = 1,
    quality: int = 85,
) -> bytes:
    """A 12-megapixel photo as a phone sends it; orientation 3, 6, 8 store it turned and tagged.

    The portrait is drawn as given: start from `phone_portrait()`.
    """
    picture = draw(portrait or phone_portrait()).resize(size, Image.Resampling.BICUBIC)
    turn = _ROTATED_BY_ORIENTATION[orientation]
    if turn is not None:
        picture = picture.transpose(turn)
    exif = Image.Exif()
    exif[_ORIENTATION_TAG] = orientation
    exif[0x010F] = "Phone"
    out = io.BytesIO()
    picture.save(out, "JPEG", quality=quality, exif=exif, dpi=(72, 72))
    return out.getvalue()
