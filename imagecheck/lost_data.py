"""Whether coded data were lost and filled up: a transfer that broke off, in a file of full size.

Decoders of HEIC, AVIF and WebP read through such a gap without a word and make something up. Coded
data have no such runs: HEVC forbids them, the other coders' output looks like noise.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator

_GAP_BYTES = 256
_FILLINGS = (bytes(_GAP_BYTES), b"\xff" * _GAP_BYTES)
_NEVER_IN_HEVC = bytes(4)
"""Three zeros are broken up by the coder, and the length before a part has at most three."""
_CODED_ITEMS = (b"hvc1", b"av01")
_TO_END, _WIDE = 0, 1
_IN_FILE = 0
"""Construction method of an item whose places count from the start of the file."""


def is_filled_up(data: bytes, name: str) -> bool:
    """Whether a coded picture in a HEIC, AVIF or WEBP file has a gap.

    False also where the file cannot be taken apart: its decoder will say more.
    """
    try:
        if name == "WEBP":
            return any(_has_gap(part) for part in _find_frames(data, 12, len(data)))
        if name in ("HEIC", "AVIF"):
            return any(
                _has_gap(part) or (kind == b"hvc1" and _NEVER_IN_HEVC in part)
                for kind, part in _find_items(data)
            )
    except (struct.error, IndexError, KeyError):
        return False
    return False


def _has_gap(part: bytes) -> bool:
    return any(filling in part for filling in _FILLINGS)


def _find_frames(data: bytes, at: int, end: int) -> Iterator[bytes]:
    """Lossy frames of a WebP file, those of a film too; lossless ones have checks of their own."""
    while at + 8 <= end:
        name, size = struct.unpack_from("<4sI", data, at)
        body, at = at + 8, at + 8 + size + size % 2
        if name == b"VP8 ":
            yield data[body : body + size]
        elif name == b"ANMF":
            yield from _find_frames(data, body + 16, min(end, body + size))


def _find_items(data: bytes) -> Iterator[tuple[bytes, bytes]]:
    """Type and coded bytes of the pictures, tiles and thumbnails of a HEIF file."""
    meta = next((box for box in _boxes(data, 0, len(data)) if box[0] == b"meta"), None)
    if meta is None:
        return
    inside = {name: body for name, *body in _boxes(data, meta[1] + 4, meta[2])}
    kinds = _read_kinds(data, *inside[b"iinf"])
    for item, extents in _read_places(data, inside[b"iloc"][0]):
        if kinds.get(item) in _CODED_ITEMS:
            yield kinds[item], b"".join(data[at : at + size] for at, size in extents)


def _boxes(data: bytes, at: int, end: int) -> Iterator[tuple[bytes, int, int]]:
    """Name, begin and end of the content of every box."""
    while at + 8 <= end:
        size, name = struct.unpack_from(">I4s", data, at)
        begin = at + 8
        if size == _WIDE:
            size, begin = struct.unpack_from(">Q", data, begin)[0], at + 16
        stop = end if size == _TO_END else at + size
        if stop <= at:
            return
        yield name, begin, min(stop, end)
        at = stop


def _read_kinds(data: bytes, at: int, end: int) -> dict[int, bytes]:
    """Types of the items by their numbers."""
    kinds = {}
    first = at + (6 if data[at] == 0 else 8)
    for name, begin, _ in _boxes(data, first, end):
        if name == b"infe" and data[begin] in (2, 3):
            form = ">HH4s" if data[begin] == 2 else ">IH4s"  # noqa: PLR2004 - version
            item, _, kind = struct.unpack_from(form, data, begin + 4)
            kinds[item] = kind
    return kinds


def _read_places(data: bytes, at: int) -> Iterator[tuple[int, list[tuple[int, int]]]]:
    """Numbers of the items, and where their bytes lie in the file."""
    version, sizes = data[at], struct.unpack_from(">BB", data, at + 4)
    offset, length, base, index = sizes[0] >> 4, sizes[0] & 15, sizes[1] >> 4, sizes[1] & 15
    wide = 4 if version == 2 else 2  # noqa: PLR2004 - version
    reader = _Reader(data, at + 6)
    for _ in range(reader.take(wide)):
        item = reader.take(wide)
        method = reader.take(2) & 15 if version else _IN_FILE
        reader.take(2)  # the file's own number
        start = reader.take(base)
        extents = []
        for _ in range(reader.take(2)):
            if version:
                reader.take(index)
            begin = start + reader.take(offset)
            extents.append((begin, reader.take(length)))
        if method == _IN_FILE:
            yield item, extents


class _Reader:
    """Takes whole numbers of any width, one behind the other."""

    def __init__(self, data: bytes, at: int) -> None:
        self._data, self._at = data, at

    def take(self, size: int) -> int:
        """The next number of so many bytes; 0 of none."""
        begin, self._at = self._at, self._at + size
        if self._at > len(self._data):
            raise IndexError("the file ends")
        return int.from_bytes(self._data[begin : self._at], "big")
