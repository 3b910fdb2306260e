"""The first picture of a JPEG file, taken apart into its segments and put together again.

A file may hold more than its picture: thumbnails, places, a film behind the end, a second picture.
Only what the decoder needs belongs to the picture; it alone is decoded, counted and handed on.
"""

from __future__ import annotations

import re
import struct
from dataclasses import dataclass, field

import numpy as np

_ZERO_TO_END = bytes((0, 63, 0))
"""Scan parameters of a sequential JPEG: coefficients 0 to 63, no successive approximation. Some
phones write others; the decoder warns and reads on as if they were these."""

_SOI, _EOI, _SOS, _DQT, _COM = 0xD8, 0xD9, 0xDA, 0xDB, 0xFE
_JFIF, _APP1, _APP2, _APP13, _ADOBE = 0xE0, 0xE1, 0xE2, 0xED, 0xEE
_FRAMES = frozenset({*range(0xC0, 0xD0), 0xF7}) - {0xC4, 0xC8, 0xCC}
"""Starts of a frame, that of JPEG-LS too."""
_SEQUENTIAL = (0xC0, 0xC1)
_PROGRESSIVE = (0xC2, 0xCA)
_KNOWN_FRAMES = (*_SEQUENTIAL, *_PROGRESSIVE, 0xC9)
_BITS, _COMPONENTS = 8, (1, 3, 4)
_NEEDED = frozenset({0xC4, 0xCC, _DQT, 0xDD})
"""Tables and restart interval; frame and scans are kept on their own."""
_ALONE = frozenset({0x01, _SOI, *range(0xD0, 0xD8)})
_NEXT_MARKER = re.compile(rb"\xff+[\x01-\xcf\xd8-\xfe]")
_MARK, _WINDOW_BYTES = 0xFF, 1 << 16
_ENDS_SCAN = np.array([0 < code < _MARK and code not in range(0xD0, 0xD8) for code in range(256)])
"""By the byte behind a 0xFF: not a stuffed zero, a filling 0xFF or a restart."""
_EXIF, _XMP, _ICC = b"Exif\0\0", b"http://ns.adobe.com/xap/1.0/\0", b"ICC_PROFILE\0"
_MOST_COEFFICIENTS = 64
_ZIGZAG = (
    0, 1, 8, 16, 9, 2, 3, 10, 17, 24, 32, 25, 18, 11, 4, 5, 12, 19, 26, 33, 40, 48, 41, 34, 27, 20,
    13, 6, 7, 14, 21, 28, 35, 42, 49, 56, 57, 50, 43, 36, 29, 22, 15, 23, 30, 37, 44, 51, 58, 59,
    52, 45, 38, 31, 39, 46, 53, 60, 61, 54, 47, 55, 62, 63,
)  # fmt: skip


class BrokenJpeg(Exception):
    """The file has no complete picture."""


class UnusualJpeg(Exception):
    """A kind that no decoder of photos reads: lossless, hierarchical, with 12 bits."""


@dataclass(slots=True)
class JpegFile:
    """The parts of the first picture, and what else was found in the file.

    Attributes:
        width, height: stored pixels.
        components: colour components: 1 grey, 3 colour, 4 print colours.
        scans: passes over the picture.
        density: unit (0 none, 1 inch, 2 cm), horizontal and vertical, from the JFIF header.
        adobe_transform: colour transform of Adobe's segment: 0 none, 1 YCbCr, 2 YCCK.
        exif, xmp, icc: the metadata, without their heads; empty when missing.
        has_photoshop: whether Photoshop's own segment is there.
        luma_table: quantisation of the first component, 64 values in natural order.
        has_extras: whether the file holds anything beyond a JFIF header and its one picture.
    """

    width: int = 0
    height: int = 0
    components: int = 0
    scans: int = 0
    density: tuple[int, int, int] | None = None
    adobe_transform: int | None = None
    exif: bytes = b""
    xmp: bytes = b""
    icc: bytes = b""
    has_photoshop: bool = False
    luma_table: list[int] | None = None
    has_extras: bool = False
    _parts: list[bytes] = field(default_factory=list)
    _frame: int = 0
    _ids: bytes = b""
    _luma_id: int = 0
    _tables: dict[int, list[int]] = field(default_factory=dict)
    _done: dict[int, int] = field(default_factory=dict)

    @classmethod
    def read(cls, data: bytes) -> JpegFile:
        """Take the file apart.

        Raises:
            BrokenJpeg: segments are cut, or a scan that the picture needs is missing.
            UnusualJpeg: it is of a kind for other uses than photos.
        """
        made = cls()
        try:
            made._walk(data)
        except (IndexError, struct.error) as error:
            raise BrokenJpeg("a segment is damaged") from error
        if not made._frame or not made.scans:
            raise BrokenJpeg("no picture")
        if not made._is_whole():
            raise BrokenJpeg("scans are missing")
        made.luma_table = made._tables.get(made._luma_id)
        return made

    def picture(self) -> bytes:
        """The picture alone, as the decoder shall read it."""
        jfif = b"" if self.density is None else _write_jfif(self.density)
        adobe = b"" if self.adobe_transform is None else _write_adobe(self.adobe_transform)
        return b"".join((b"\xff\xd8", jfif, adobe, *self._parts, b"\xff\xd9"))

    def with_density(self, dpi: tuple[float, float]) -> bytes | None:
        """The coded pixels in a file with this density and nothing else.

        ``None`` when the pixels are coded in colours that a plain JFIF file cannot hold.
        """
        if not self._is_plain_colour:
            return None
        density = self.density
        if density is None or density[0] == 0:
            density = (1, round(dpi[0]), round(dpi[1]))
        return b"".join((b"\xff\xd8", _write_jfif(density), *self._parts, b"\xff\xd9"))

    @property
    def _is_plain_colour(self) -> bool:
        """Whether a reader of the JFIF file sees the same colours: three components, YCbCr."""
        if self.components != 3:  # noqa: PLR2004 - red, green, blue
            return False
        if self.density is not None or self.adobe_transform == 1:
            return True
        return self.adobe_transform is None and self._ids != b"RGB"

    # -- reading ----------------------------------------------------------------------------

    def _walk(self, data: bytes) -> None:
        at = 2
        while at < len(data):
            found = _NEXT_MARKER.search(data, at)
            if found is None:
                break
            self.has_extras |= found.start() != at
            marker, at = data[found.end() - 1], found.end()
            if marker == _EOI:
                self.has_extras |= at != len(data)
                return
            if marker in _ALONE:
                continue
            length = int.from_bytes(data[at : at + 2], "big")
            if length < 2 or at + length > len(data):  # noqa: PLR2004 - counts itself
                raise BrokenJpeg("a segment is cut")
            body = data[at + 2 : at + length]
            at += length
            if marker == _SOS:
                at = self._take_scan(data, body, at)
            else:
                self._take_segment(marker, body)
        self.has_extras = True  # the end marker is missing

    def _take_scan(self, data: bytes, head: bytes, at: int) -> int:
        if not self._frame:
            raise BrokenJpeg("a scan before its frame")
        end = _find_scan_end(data, at)
        count = head[0]
        parameters = head[1 + 2 * count : 4 + 2 * count]
        if self._frame in _SEQUENTIAL:
            self.has_extras |= parameters != _ZERO_TO_END
            parameters = _ZERO_TO_END
        self._note_progress(head[1 : 1 + 2 * count : 2], parameters)
        self._parts.append(_segment(_SOS, head[: 1 + 2 * count] + parameters))
        self._parts.append(data[at:end])
        self.scans += 1
        return end

    def _note_progress(self, ids: bytes, parameters: bytes) -> None:
        """Remember which coefficients of which component are now known to the last bit."""
        first, last, approximation = parameters
        if approximation & 15 or last >= _MOST_COEFFICIENTS:
            return
        bits = (1 << (last + 1)) - (1 << first)
        for number in ids:
            self._done[number] = self._done.get(number, 0) | bits

    def _is_whole(self) -> bool:
        """Whether every component was sent, in a progressive file to its last bit."""
        wanted = (1 << _MOST_COEFFICIENTS) - 1 if self._frame in _PROGRESSIVE else 0
        if self._frame not in (*_SEQUENTIAL, *_PROGRESSIVE):
            return True
        return all(
            number in self._done and self._done[number] & wanted == wanted for number in self._ids
        )

    def _take_segment(self, marker: int, body: bytes) -> None:
        if marker in _FRAMES:
            self._take_frame(marker, body)
        elif marker in _NEEDED:
            if marker == _DQT:
                self._take_tables(body)
            self._parts.append(_segment(marker, body))
        elif marker == _JFIF and body.startswith(b"JFIF\0"):
            if self.density is None:
                self.density = struct.unpack(">BHH", body[7:12])
            self.has_extras |= any(body[12:14])
        elif marker == _ADOBE and body.startswith(b"Adobe"):
            self.adobe_transform = body[11]
            self.has_extras = True
        else:
            self.has_extras = True
            self._take_metadata(marker, body)

    def _take_frame(self, marker: int, body: bytes) -> None:
        if self._frame:
            raise BrokenJpeg("two frames")
        bits, self.height, self.width, self.components = struct.unpack(">BHHB", body[:6])
        if marker not in _KNOWN_FRAMES or bits != _BITS or self.components not in _COMPONENTS:
            raise UnusualJpeg(f"SOF{marker - 0xC0}, {self.components} x {bits} bit")
        table = body[6 : 6 + 3 * self.components]
        self._frame, self._ids, self._luma_id = marker, table[::3], table[2]
        self._parts.append(_segment(marker, body))

    def _take_tables(self, body: bytes) -> None:
        at = 0
        while at < len(body):
            is_wide, number = body[at] >> 4, body[at] & 15
            form = ">64H" if is_wide else ">64B"
            values = struct.unpack_from(form, body, at + 1)
            natural = [0] * _MOST_COEFFICIENTS
            for place, value in zip(_ZIGZAG, values, strict=True):
                natural[place] = value
            self._tables.setdefault(number, natural)
            at += 1 + struct.calcsize(form)

    def _take_metadata(self, marker: int, body: bytes) -> None:
        if marker == _APP1 and body.startswith(_EXIF):
            self.exif = self.exif or body[len(_EXIF) :]
        elif marker == _APP1 and body.startswith(_XMP):
            self.xmp = self.xmp or body[len(_XMP) :]
        elif marker == _APP2 and body.startswith(_ICC):
            self.icc += body[len(_ICC) + 2 :]
        elif marker == _APP13:
            self.has_photoshop |= body.startswith(b"Photoshop")


def _find_scan_end(data: bytes, at: int) -> int:
    """Where the coded data that begin at ``at`` end: before the next marker, or with the file.

    Photos hold a megabyte between two markers, so it is looked through as an array and not by an
    expression; in windows, for a hostile file holds thousands of scans.
    """
    for start in range(at, len(data), _WINDOW_BYTES):
        window = np.frombuffer(data, np.uint8, min(_WINDOW_BYTES + 1, len(data) - start), start)
        begins = np.flatnonzero(window[:-1] == _MARK)
        if _ENDS_SCAN[window[begins + 1]].any():
            # a marker's filling bytes may have begun in the window before
            found = _NEXT_MARKER.search(data, at + len(data[at:start].rstrip(b"\xff")))
            return len(data) if found is None else found.start()
    return len(data)


def _segment(marker: int, body: bytes) -> bytes:
    return bytes((0xFF, marker)) + struct.pack(">H", len(body) + 2) + body


def _write_jfif(density: tuple[int, int, int]) -> bytes:
    return _segment(_JFIF, b"JFIF\0\x01\x01" + struct.pack(">BHHBB", *density, 0, 0))


def _write_adobe(transform: int) -> bytes:
    return _segment(_ADOBE, b"Adobe\0\x64\0\0\0\0" + bytes((transform,)))
