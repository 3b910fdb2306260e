"""Files as phones, chat programs and photo shops make them of a picture."""

from __future__ import annotations

import io
import random
import struct
import zlib

import numpy as np
from PIL import Image, ImageCms

Primaries = tuple[tuple[float, float, float], ...]

SRGB_CURVE = b"para\0\0\0\0" + struct.pack(">HH", 3, 0) + b"".join(
    struct.pack(">i", round(v * 65536)) for v in (2.4, 1 / 1.055, 0.055 / 1.055, 1 / 12.92, 0.04045)
)  # fmt: skip
GAMMA_22 = b"curv\0\0\0\0" + struct.pack(">IH", 1, 563)
SRGB_PRIMARIES = (
    (0.43607, 0.22249, 0.01392),
    (0.38515, 0.71687, 0.09708),
    (0.14307, 0.06061, 0.7141),
)
P3_PRIMARIES = (
    (0.51512, 0.2412, -0.00105),
    (0.29198, 0.69225, 0.04189),
    (0.1571, 0.06657, 0.78407),
)
ADOBE_PRIMARIES = (
    (0.60974, 0.31111, 0.01947),
    (0.20528, 0.62567, 0.06087),
    (0.14919, 0.06322, 0.74457),
)


def icc_profile(name: str, primaries: Primaries, curve: bytes) -> bytes:
    """A matrix profile (ICC.1:2001); ``primaries`` are XYZ for D50."""

    def fixed(number: float) -> bytes:
        return struct.pack(">i", round(number * 65536))

    def xyz(values: tuple[float, float, float]) -> bytes:
        return b"XYZ \0\0\0\0" + b"".join(map(fixed, values))

    title = name.encode() + b"\0"
    white = (0.9642, 1.0, 0.8249)
    tags = [
        (b"desc", b"desc\0\0\0\0" + struct.pack(">I", len(title)) + title + bytes(78)),
        (b"cprt", b"text\0\0\0\0none\0"),
        (b"wtpt", xyz(white)),
        *zip((b"rXYZ", b"gXYZ", b"bXYZ"), map(xyz, primaries), strict=True),
        *((name, curve) for name in (b"rTRC", b"gTRC", b"bTRC")),
    ]
    at, table, body = 132 + 12 * len(tags), struct.pack(">I", len(tags)), b""
    for tag, data in tags:
        padded = data + bytes(-len(data) % 4)
        table += tag + struct.pack(">II", at + len(body), len(padded))
        body += padded
    head = struct.pack(">I4sI", at + len(body), b"", 0x02400000) + b"mntrRGB XYZ "
    head = (head + struct.pack(">6H", 2026, 1, 1, 0, 0, 0) + b"acsp").ljust(68, b"\0")
    return (head + b"".join(map(fixed, white))).ljust(128, b"\0") + table + body


DISPLAY_P3 = icc_profile("Display P3", P3_PRIMARIES, SRGB_CURVE)
ADOBE_RGB = icc_profile("Adobe RGB (1998)", ADOBE_PRIMARIES, GAMMA_22)


def save(picture: Image.Image, form: str = "JPEG", **options: object) -> bytes:
    """The picture as a file; a JPEG has 300 dpi and full colour resolution."""
    usual = {"quality": 84, "subsampling": 0, "dpi": (300, 300)} if form == "JPEG" else {}
    out = io.BytesIO()
    picture.save(out, form, **(usual | options))
    return out.getvalue()


def in_profile(picture: Image.Image, profile: bytes) -> Image.Image:
    """The same colours as numbers of another colour space."""
    there = ImageCms.ImageCmsProfile(io.BytesIO(profile))
    made = ImageCms.profileToProfile(
        picture, ImageCms.createProfile("sRGB"), there, renderingIntent=1, outputMode="RGB"
    )
    assert made is not None
    return made


def scan_start(data: bytes) -> int:
    """Where the picture's own scan begins."""
    return data.index(b"\xff\xda", data.rindex(b"\xff\xc4"))


def cut(data: bytes, share: float, end: bytes = b"\xff\xd9") -> bytes:
    """A transfer that broke off within the scan."""
    start = scan_start(data)
    return data[: start + int((len(data) - start) * share)] + end


def without_last_scan(data: bytes) -> bytes:
    """A progressive JPEG that ends, properly, before its last refinement."""
    return data[: data.rindex(b"\xff\xda")] + b"\xff\xd9"


def alter(data: bytes, share: float, seed: int) -> bytes:
    """Six bytes of the scan changed."""
    rnd, changed = random.Random(seed), bytearray(data)
    start = scan_start(data)
    at = start + int((len(data) - start) * share)
    for place in range(at, at + 42, 7):
        changed[place] = rnd.choice([b for b in range(1, 255) if b != changed[place]])
    return bytes(changed)


def fill_up(data: bytes, share: float, size: int | None = None) -> bytes:
    """A file whose bytes from ``share`` on never arrived: zeros to its end, or so many."""
    at = int(len(data) * share)
    end = len(data) if size is None else at + size
    return data[:at] + bytes(end - at) + data[end:]


def with_frame(data: bytes, marker: int, precision_bits: int) -> bytes:
    """The JPEG, said to be of another kind: other marker of its frame, other depth."""
    at = data.index(b"\xff\xc0")
    return data[: at + 1] + bytes((marker,)) + data[at + 2 : at + 4] + bytes((precision_bits,)) + (
        data[at + 5 :]
    )  # fmt: skip


def png_head(width: int, height: int) -> bytes:
    """A PNG of that size, as far as its header goes."""
    body = b"IHDR" + struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    head = struct.pack(">I", 13) + body + struct.pack(">I", zlib.crc32(body))
    return b"\x89PNG\r\n\x1a\n" + head + struct.pack(">I", 10) + b"IDAT" + bytes(10)


def without_segment(data: bytes, marker: int) -> bytes:
    """The JPEG without its first segment of that kind."""
    at = data.index(bytes((0xFF, marker)))
    return data[:at] + data[at + 2 + int.from_bytes(data[at + 2 : at + 4], "big") :]


def turned_heic(data: bytes, quarters: int) -> bytes:
    """The HEIC file of one picture with a property that turns it anticlockwise."""
    grown, bigger = bytearray(data), bytes((0, 0, 0, 9)) + b"irot" + bytes((quarters,))
    association = data.index(b"ipma") - 4
    end = association + int.from_bytes(data[association : association + 4], "big")
    first = data.index(b"ipco") - 4
    count = sum(
        data.count(name, first, association) for name in (b"hvcC", b"colr", b"ispe", b"pixi")
    )
    grown[association + 18] += 1  # one property more, essential
    grown[end:end] = bytes((0x80 | (count + 1),))
    grown[association:association] = bigger
    sizes = {b"meta": 10, b"iprp": 10, b"ipco": 9}
    for name, more in sizes.items():
        at = data.index(name) - 4
        grown[at : at + 4] = (int.from_bytes(data[at : at + 4], "big") + more).to_bytes(4, "big")
    moved = association + len(bigger)
    grown[moved : moved + 4] = (end - association + 1).to_bytes(4, "big")
    place = data.index((data.index(b"mdat") + 4).to_bytes(4, "big"), data.index(b"iloc"))
    grown[place : place + 4] = (data.index(b"mdat") + 14).to_bytes(4, "big")
    return bytes(grown)


def with_segment(data: bytes, marker: int, payload: bytes) -> bytes:
    """The JPEG with a segment behind its JFIF header."""
    at = 4 + int.from_bytes(data[4:6], "big")
    segment = bytes((0xFF, marker)) + struct.pack(">H", len(payload) + 2) + payload
    return data[:at] + segment + data[at:]


def with_scan_parameters(data: bytes, parameters: bytes) -> bytes:
    """The JPEG with other spectral selection in its scan header."""
    at = scan_start(data)
    end = at + 2 + int.from_bytes(data[at + 2 : at + 4], "big")
    return data[: end - 3] + parameters + data[end:]


def exif(**tags: object) -> bytes:
    """An EXIF block with an orientation, and a place where ``gps`` is set."""
    block = Image.Exif()
    if "orientation" in tags:
        block[0x0112] = tags["orientation"]
    if "gps" in tags:
        block[271] = "PHONE"
        block.get_ifd(0x8825).update({1: "N", 2: (39.0, 54.0, 20.0)})
    return block.tobytes()


def film(size: int = 300_000) -> bytes:
    """What lies behind the picture of a motion photo; here and there it looks like a scan."""
    body = bytearray(random.Random(5).randbytes(size))
    for at in range(0, size - 2, size // 110):
        body[at : at + 2] = b"\xff\xda"
    return struct.pack(">I", 24) + b"ftypmp42\0\0\0\0mp42isom" + bytes(body)


def xmp_orientation(number: int) -> bytes:
    """A segment in which only XMP says how to turn the picture."""
    return (
        b'http://ns.adobe.com/xap/1.0/\0<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF '
        b'xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#"><rdf:Description '
        b'xmlns:tiff="http://ns.adobe.com/tiff/1.0/" tiff:Orientation="%d"/></rdf:RDF></x:xmpmeta>'
        % number
    )


def linear_png(picture: Image.Image) -> bytes:
    """A PNG of linear light that says so in gAMA only."""
    levels = np.linspace(0, 1, 256)
    light = np.where(levels <= 0.04045, levels / 12.92, ((levels + 0.055) / 1.055) ** 2.4)
    pixels = np.round(255 * light).astype(np.uint8)[np.asarray(picture)]
    data = save(Image.fromarray(pixels), "PNG")
    body = b"gAMA" + struct.pack(">I", 100_000)
    chunk = struct.pack(">I", 4) + body + struct.pack(">I", zlib.crc32(body))
    return data[:33] + chunk + data[33:]
