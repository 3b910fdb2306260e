"""How large a picture may be, before a pixel of it is decoded."""

from __future__ import annotations

from imagecheck.picture import UndecodableError

MAX_PIXELS = {
    "JPEG": 64_000_000,
    "PNG": 64_000_000,
    "WEBP": 36_000_000,
    "AVIF": 36_000_000,
    "HEIC": 26_000_000,
}
"""By format. JPEG is decoded at a fraction of its size; of the others every pixel needs time and
memory: 64 megapixels of PNG take 0.9 s and 260 MB, 24 of HEIC, which phones write, 1 s and 190."""
MAX_SIDE_PX = 30_000
MAX_BYTES = 64 * 1024 * 1024
MAX_SCANNED_PIXELS = 1_200_000_000
"""Pixels times scans of a JPEG. Every scan is a pass over the picture, and thousands fit into a
small file; cameras write one, progressive files about ten. Half a second on one core."""


def refuse_large(name: str, width: int, height: int) -> None:
    """Refuse a picture that would need too much time or memory.

    Raises:
        UndecodableError: it has too many pixels for its format, or an absurd side.
    """
    if max(width, height) > MAX_SIDE_PX:
        raise UndecodableError("too_long", f"{width}x{height}")
    if width * height > MAX_PIXELS[name]:
        raise UndecodableError(name_excess(name), f"{width}x{height}")


def name_excess(name: str) -> str:
    """The cause of a refusal for too many pixels: some formats have a bound of their own."""
    return "too_many_pixels" if name in ("JPEG", "PNG") else "too_many_pixels_here"
