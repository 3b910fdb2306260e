"""A small picture of any picture: upright, in sRGB, without whatever else the file held."""

from __future__ import annotations

import io

from PIL import Image

from imagecheck.decode import decode

QUALITY = 85
"""Seen to be enough for a face to be measured alike."""
LARGEST_STEP = 4.0
"""A tiny picture is not blown up beyond this."""


def fit_picture(data: bytes, *, longest_px: int) -> bytes:
    """Return a JPEG whose longer side has ``longest_px``; smaller pictures grow, within bounds.

    Raises:
        UndecodableError: there is no picture.
    """
    image = Image.fromarray(decode(data, enough_px=(longest_px, longest_px)).pixels)
    step = min(longest_px / max(image.size), LARGEST_STEP)
    width, height = (max(1, round(side * step)) for side in image.size)
    out = io.BytesIO()
    image.resize((width, height), Image.Resampling.LANCZOS).save(out, "JPEG", quality=QUALITY)
    return out.getvalue()
