"""Portraits that the project draws itself: for tests, benchmarks and the pictures of the manual.

    from benchmarks.rig.portraits import Portrait, draw, jpeg_bytes, phone_photo_bytes

    jpeg_bytes()                                  # breaks no rule
    jpeg_bytes(Portrait(left_eye_opening=0, right_eye_opening=0))
    phone_photo_bytes(orientation=6)              # 3000 x 4000, grey wall, stored turned

Nobody is shown: the faces are ellipses and shading, which a face detector takes for faces.
"""

from __future__ import annotations

from benchmarks.rig.portraits.files import (
    encode,
    heic_bytes,
    jpeg_bytes,
    phone_photo_bytes,
    phone_portrait,
    png_bytes,
)
from benchmarks.rig.portraits.portrait import (
    BLUE,
    COMPLIANT,
    GREY,
    SKIN_TONES,
    WHITE,
    Glasses,
    Portrait,
)
from benchmarks.rig.portraits.scene import draw

__all__ = [
    "BLUE",
    "COMPLIANT",
    "GREY",
    "SKIN_TONES",
    "WHITE",
    "Glasses",
    "Portrait",
    "draw",
    "encode",
    "heic_bytes",
    "jpeg_bytes",
    "phone_photo_bytes",
    "phone_portrait",
    "png_bytes",
]
